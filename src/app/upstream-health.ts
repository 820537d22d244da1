import { getCACertificates } from 'node:tls';
import type { Config } from '../config/config.ts';
import type { Emit } from '../events/bus.ts';
import { type Health, HealthMonitor, type Target } from '../health/monitor.ts';
import { httpProbe } from '../health/probe.ts';
import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import { downKey } from '../proxy/balance/balancer.ts';
import { Dialer } from '../proxy/upstream/dialer.ts';
import { hostOf } from '../proxy/upstream/upstreams.ts';
import type { Route, Upstream } from '../routing/route.ts';
import type { RoutingTable } from '../routing/table.ts';
import { VERSION } from './version.ts';

export interface UpstreamHealthOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: Emit;
  /** Told which upstreams are down, as the snapshot names them. */
  readonly onChange: (down: ReadonlySet<string>) => void;
}

/** The health checks of a configuration, asked by this process for all workers. */
export class UpstreamHealth {
  readonly #monitor: HealthMonitor;

  constructor(options: UpstreamHealthOptions) {
    const dialer = new Dialer(() => [...getCACertificates('default'), ...getCACertificates('system')]);
    this.#monitor = new HealthMonitor({ probe: httpProbe(dialer), ...options });
  }

  /** Checks what this configuration wants to be checked. Returns what is down of it, as far as is known. */
  use({ routes }: Config, table: RoutingTable): ReadonlySet<string> {
    this.#monitor.use(
      table.routes.flatMap((route, index) => {
        const check = routes[index]?.healthCheck ?? null;
        return check === null ? [] : route.upstreams.map((upstream) => targetOf(route, upstream, check));
      }),
    );
    return this.#monitor.down;
  }

  /** Null where nobody asks. */
  of(route: string, upstream: Upstream): Health | null {
    return this.#monitor.healthOf(downKey(route, upstream));
  }

  stop(): void {
    this.#monitor.stop();
  }
}

function targetOf(
  { label, primary }: Route,
  upstream: Upstream,
  { path, intervalMs, timeoutMs, status }: NonNullable<Config['routes'][number]['healthCheck']>,
): Target {
  const host = primary.startsWith('*.') ? hostOf(upstream) : bracketed(primary);
  const question = { upstream, host, path, userAgent: `rigil/${VERSION} (health check)` };
  return { key: downKey(label, upstream), route: label, question, intervalMs, timeoutMs, status };
}

/** An IPv6 address as a host has it. */
function bracketed(name: string): string {
  return name.includes(':') ? `[${name}]` : name;
}
