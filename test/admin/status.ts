import type { Figures, Status } from '../../src/admin/status.ts';
import type { CertificateView } from '../../src/certs/view.ts';

export const NOW = '2026-03-01T12:00:00.000Z';

const STORE: Status['store'] = {
  kind: 'file',
  place: '/var/lib/rigil',
  up: true,
  writable: true,
  lastError: null,
  warnings: [],
  unsealed: null,
};

/** A daemon that is well: one route, one certificate, two workers. */
export function status(more: Partial<Status> = {}): Status {
  return {
    version: '1.2.3',
    at: NOW,
    startedAt: '2026-02-28T09:30:00.000Z',
    config: {
      file: '/etc/rigil/rigil.conf',
      loadedAt: '2026-03-01T11:00:00.000Z',
      generation: 3,
      lastError: null,
      source: null,
    },
    store: STORE,
    workers: [worker(1), worker(2)],
    routes: [
      {
        names: ['one.test', 'www.one.test'],
        upstreams: ['http://127.0.0.1:8080'],
        health: null,
        failing: [],
        certificate: 'one.test',
        fallback: true,
      },
    ],
    certificates: [certificate()],
    work: [],
    waited: { handshakes: 0, requests: 0 },
    ...more,
  };
}

export function worker(id: number, draining = false): Status['workers'][number] {
  return {
    id,
    pid: 1_000 + id,
    startedAt: '2026-03-01T11:59:00.000Z',
    requests: 1_234,
    connections: 5,
    eventLoopDelayP99Ms: 0.25,
    draining,
  };
}

export function certificate(more: Partial<CertificateView> = {}): CertificateView {
  return {
    id: 'one.test',
    names: ['one.test', 'www.one.test'],
    issuer: 'letsencrypt',
    status: 'valid',
    notBefore: '2026-02-01T00:00:00.000Z',
    notAfter: '2026-05-02T00:00:00.000Z',
    serial: '0A',
    keyType: 'p256',
    renewAt: '2026-04-02T00:00:00.000Z',
    renewReason: 'a third of its life is left',
    ari: null,
    ocsp: null,
    lastError: null,
    ...more,
  };
}

export function figures(more: Partial<Figures> = {}): Figures {
  return {
    version: '1.2.3',
    metrics: {
      tlsHello: { 'known="true"': 7, 'known="false"': 2 },
      responses: { 'route="one.test",status="200"': 5 },
      upstreamErrors: { 'route="one.test",kind="refused"': 1 },
      upstreamRetries: { 'route="one.test"': 2 },
      durations: {
        'route="one.test"': { buckets: [1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], sumSeconds: 31.5 },
      },
      handshakesWaited: 0,
      requestsWaited: 0,
      accessLogDropped: 0,
      connectionsRefused: {},
    },
    workers: [
      {
        worker: 1,
        report: {
          requests: 5,
          connections: 3,
          failing: [],
          eventLoopDelayMs: { p50: 0, p99: 1.5, max: 20 },
          metrics: {
            tlsHello: {},
            responses: {},
            upstreamErrors: {},
            upstreamRetries: {},
            durations: {},
            handshakesWaited: 0,
            requestsWaited: 0,
            accessLogDropped: 0,
            connectionsRefused: {},
          },
        },
      },
    ],
    certificates: [certificate()],
    attempts: new Map([['one.test', { succeeded: 1, failed: 4 }]]),
    configReloads: 2,
    configReloadFailures: 1,
    configSource: null,
    upstreams: [
      { route: 'one.test', upstream: 'http://127.0.0.1:8080', up: true },
      { route: 'one.test', upstream: 'unix:/a"b', up: false },
    ],
    store: STORE,
    centauriMetrics: false,
    ...more,
  };
}

export const FAILURE = {
  code: 'challenge-failed',
  message: 'the CA could not connect',
  at: '2026-03-01T11:50:00.000Z',
  attempts: 3,
  retryAt: '2026-03-01T12:10:00.000Z',
} as const;
