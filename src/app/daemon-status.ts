import type { Figures, RouteStatus, Status, StatusSource, StoreStatus } from '../admin/status.ts';
import type { CertificateManager } from '../certs/manager.ts';
import type { CertificateView } from '../certs/view.ts';
import type { Config } from '../config/config.ts';
import type { StapleKeeper, StapleTrouble } from '../ocsp/staple-keeper.ts';
import type { Clock, Instant } from '../platform/clock.ts';
import { serverKey } from '../proxy/balance/balancer.ts';
import { describeUpstream } from '../proxy/upstream/upstreams.ts';
import type { Route } from '../routing/route.ts';
import type { Publisher } from '../snapshot/publisher.ts';
import type { Store } from '../store/store.ts';
import { type ConfigFile, sourceUrl } from './config-file.ts';
import { ocspView } from './ocsp-view.ts';
import type { RoutesSource } from './routes-source.ts';
import type { StoreWatch } from './store-watch.ts';
import type { UpstreamHealth } from './upstream-health.ts';
import { VERSION } from './version.ts';
import type { WorkerPool } from './workers/worker-pool.ts';

interface Parts {
  readonly startedAt: Instant;
  readonly clock: Clock;
  config(): Config;
  readonly file: ConfigFile;
  readonly routes: RoutesSource;
  readonly pool: WorkerPool;
  readonly manager: CertificateManager;
  readonly storeWatch: Pick<StoreWatch, 'trouble'>;
  readonly staples: StapleKeeper;
  readonly store: Pick<Store, 'state'>;
  readonly publisher: Publisher;
  readonly health: UpstreamHealth;
  readonly attempts: Figures['attempts'];
}

/** What the admin endpoint shows of a running daemon. */
export class DaemonStatus implements StatusSource {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async status(): Promise<Status> {
    const { startedAt, clock, file, pool, manager } = this.#parts;
    await pool.refresh();
    const { handshakesWaited, requestsWaited } = pool.metrics();
    return {
      version: VERSION,
      at: new Date(clock.now()).toISOString(),
      startedAt: new Date(startedAt).toISOString(),
      config: { ...file.state, source: this.#source() },
      store: this.#store(),
      workers: pool.status(),
      routes: this.#routes(),
      certificates: this.#certificates(),
      work: manager.work(),
      waited: { handshakes: handshakesWaited, requests: requestsWaited },
    };
  }

  async figures(): Promise<Figures> {
    const { config, file, pool, attempts } = this.#parts;
    await pool.refresh();
    const { routes } = this.#parts.publisher.current.table;
    const shown = new Set(routes.map(({ certificate }) => certificate));
    return {
      version: VERSION,
      metrics: pool.metrics(),
      workers: pool.reports(),
      // What no route shows any more must not raise an alarm when it expires.
      certificates: this.#certificates().filter(({ id }) => shown.delete(id)),
      upstreams: routes.flatMap((route) => upstreamFigures(route, this.#parts.health)),
      attempts,
      configReloads: file.reloads.total,
      configReloadFailures: file.reloads.failed,
      configSource: this.#source(),
      store: this.#store(),
      centauriMetrics: config().global.centauriMetrics,
    };
  }

  /** The certificates with their OCSP answers. One that must have a staple and has none has that for an error. */
  #certificates(): CertificateView[] {
    const { clock, manager, staples } = this.#parts;
    return manager.views(clock.now()).map((view) => {
      const facts = manager.entries.get(view.id)?.held?.facts;
      if (facts === undefined) return view;
      const ocsp = ocspView(staples.answerOf(facts.fingerprint));
      if (!facts.mustStaple || staples.stapleOf(facts.fingerprint) !== null) return { ...view, ocsp };
      const lastError = view.lastError ?? troubleView(staples.troubleOf(facts.fingerprint));
      return { ...view, ocsp, lastError };
    });
  }

  #source(): Status['config']['source'] {
    const { config, file, routes } = this.#parts;
    const server = config().global.configSource;
    if (server === null) return null;
    // While the daemon starts it is not asked yet; that it will be is known already.
    const state = routes.state ?? { url: sourceUrl(server), connected: false, lastError: null };
    return { ...state, hasRoutes: file.hasSentRoutes };
  }

  #store(): StoreStatus {
    const { store, storeWatch } = this.#parts;
    const { kind, place, up, warnings, unsealed } = store.state();
    const { trouble } = storeWatch;
    const lastError = trouble && {
      code: trouble.code,
      message: trouble.message,
      since: new Date(trouble.since).toISOString(),
    };
    return { kind, place, up, writable: trouble === null, lastError, warnings, unsealed };
  }

  #routes(): RouteStatus[] {
    const { publisher, health, pool } = this.#parts;
    const failing = new Set(pool.reports().flatMap(({ report }) => report.failing));
    const { table } = publisher.current;
    return table.routes.map((route) => ({
      names: route.names,
      upstreams: route.upstreams.map(describeUpstream),
      health: healthView(route, health),
      failing: failingOf(route, failing),
      certificate: route.certificate,
      fallback: route === table.fallback,
    }));
  }
}

function troubleView(trouble: StapleTrouble | null): CertificateView['lastError'] {
  if (trouble === null) return null;
  const { code, message, at, attempts, retryAt } = trouble;
  return {
    code,
    message: `it is must-staple and has no staple, so some clients refuse it: ${message}`,
    at: new Date(at).toISOString(),
    attempts,
    retryAt: new Date(retryAt).toISOString(),
  };
}

function upstreamFigures(route: Route, health: UpstreamHealth): Figures['upstreams'] {
  return (healthView(route, health) ?? [])
    .filter(({ state }) => state !== 'unknown')
    .map(({ upstream, state }) => ({ route: route.label, upstream, up: state === 'up' }));
}

function failingOf({ upstreams }: Route, failing: ReadonlySet<string>): readonly string[] {
  if (upstreams.length < 2) return [];
  return upstreams.filter((upstream) => failing.has(serverKey(upstream))).map(describeUpstream);
}

function healthView({ label, upstreams }: Route, health: UpstreamHealth): RouteStatus['health'] {
  const views = upstreams.flatMap((upstream) => {
    const found = health.of(label, upstream);
    if (found === null) return [];
    const { state, since, problem } = found;
    return [{ upstream: describeUpstream(upstream), state, since: new Date(since).toISOString(), problem }];
  });
  return views.length === 0 ? null : views;
}
