import { findAuthority } from './authority.ts';
import { Mutex } from './mutex.ts';
import type { NameServerPorts } from './name-servers.ts';

/**
 * Where the values of a name go. Decided once for all values that are there at the same time: the first one hides the
 * CNAME that a wildcard makes (RFC 4592 2.2), and so could send the second one to another place.
 */
export class Places {
  readonly #ports: NameServerPorts;
  readonly #mutex = new Mutex();
  readonly #known = new Map<string, { readonly place: string; readonly users: number }>();

  constructor(ports: NameServerPorts) {
    this.#ports = ports;
  }

  /**
   * The place for one more value of `name`. Calling `leave` says that the value is gone; once for each value counts.
   *
   * @throws as `findAuthority`
   */
  enter(name: string, signal: AbortSignal): Promise<{ readonly place: string; readonly leave: () => void }> {
    return this.#mutex.run(name, signal, async () => {
      const known = this.#known.get(name);
      const place = known?.place ?? (await findAuthority(name, this.#ports, signal)).name;
      this.#known.set(name, { place, users: (known?.users ?? 0) + 1 });
      let inUse = true;
      const leave = (): void => {
        if (inUse) this.#leave(name);
        inUse = false;
      };
      return { place, leave };
    });
  }

  #leave(name: string): void {
    const known = this.#known.get(name);
    if (known === undefined || known.users <= 1) this.#known.delete(name);
    else this.#known.set(name, { ...known, users: known.users - 1 });
  }
}
