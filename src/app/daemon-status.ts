import type { Figures, RouteStatus, Status, StatusSource } from '../admin/status.ts';
import type { CertificateManager } from '../certs/manager.ts';
import type { Config } from '../config/config.ts';
import type { Clock, Instant } from '../platform/clock.ts';
import type { Upstream } from '../routing/route.ts';
import type { Publisher } from '../snapshot/publisher.ts';
import type { ConfigFile } from './config-file.ts';
import { VERSION } from './version.ts';
import type { WorkerPool } from './workers/worker-pool.ts';

interface Parts {
  readonly startedAt: Instant;
  readonly clock: Clock;
  config(): Config;
  readonly file: ConfigFile;
  readonly pool: WorkerPool;
  readonly manager: CertificateManager;
  readonly publisher: Publisher;
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
      config: file.state,
      workers: pool.status(),
      routes: this.#routes(),
      certificates: manager.views(clock.now()),
      work: manager.work(),
      waited: { handshakes: handshakesWaited, requests: requestsWaited },
    };
  }

  async figures(): Promise<Figures> {
    const { clock, file, pool, manager, attempts } = this.#parts;
    await pool.refresh();
    return {
      version: VERSION,
      metrics: pool.metrics(),
      workers: pool.reports(),
      certificates: manager.views(clock.now()),
      attempts,
      configReloads: file.reloads.total,
      configReloadFailures: file.reloads.failed,
    };
  }

  #routes(): RouteStatus[] {
    const { table } = this.#parts.publisher.current;
    return table.routes.map((route) => ({
      names: route.names,
      upstreams: route.upstreams.map(upstreamText),
      certificate: route.certificate,
      fallback: route === table.fallback,
    }));
  }
}

function upstreamText(upstream: Upstream): string {
  if (upstream.scheme === 'unix') return `unix:${upstream.path}`;
  const host = upstream.host.includes(':') ? `[${upstream.host}]` : upstream.host;
  return `${upstream.scheme}://${host}:${upstream.port}`;
}
