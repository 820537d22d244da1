import type { Route } from './route.ts';

/**
 * Which route answers for which host. Made whole, never changed.
 *
 * An exact name beats a wildcard, a wildcard (one label) beats the fallback.
 */
export class RoutingTable {
  readonly routes: readonly Route[];
  readonly fallback: Route | null;
  readonly #exact = new Map<string, Route>();
  readonly #wildcard = new Map<string, Route>();

  /**
   * @param routes in file order; of two routes with the same name the later one wins
   * @param fallback index in `routes` of the route for every other name, or null
   */
  constructor(routes: readonly Route[], fallback: number | null = null) {
    this.routes = routes;
    this.fallback = fallback === null ? null : (routes[fallback] ?? null);
    for (const route of routes) {
      for (const name of route.names) {
        if (name.startsWith('*.')) this.#wildcard.set(name.slice(2), route);
        else this.#exact.set(name, route);
      }
    }
  }

  /** Index of the fallback in `routes`, or null. */
  get fallbackIndex(): number | null {
    return this.fallback === null ? null : this.routes.indexOf(this.fallback);
  }

  /** The route of a host that is in lower case and has no port, or null. */
  match(host: string): Route | null {
    return this.named(host) ?? this.fallback;
  }

  /** Like {@link match}, but without the fallback. */
  named(host: string): Route | null {
    const exact = this.#exact.get(host);
    if (exact !== undefined) return exact;
    const dot = host.indexOf('.');
    return (dot > 0 ? this.#wildcard.get(host.slice(dot + 1)) : undefined) ?? null;
  }
}
