import type { CertificateView } from '../certs/view.ts';
import { DURATION_BUCKETS_S, type MetricValues } from '../proxy/protocol.ts';
import { exposition, type Family, labels, type Sample, samplesOf } from './exposition.ts';
import type { Figures, Status } from './status.ts';

/** The `Content-Type` of the text format. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** The body of `/metrics`: every metric that the program has, in the text format of Prometheus. */
export function metricsText(status: Status, figures: Figures): string {
  return exposition([
    ...servingFamilies(status, figures),
    ...certificateFamilies(status, figures),
    ...ownFamilies(status, figures),
  ]);
}

function servingFamilies({ workers }: Status, { serving }: Figures): Family[] {
  return [
    counter('tls_hello_total', 'TLS handshakes begun, by whether a route has the name.', serving.tlsHello),
    counter('response_total', 'Responses to clients, by route and status.', serving.responses),
    {
      name: 'request_duration_seconds',
      type: 'histogram',
      help: 'Time from a request to the end of its response, by route.',
      samples: durationSamples(serving.durations),
    },
    counter(
      'upstream_errors_total',
      'Requests that an upstream did not answer, by route and kind.',
      serving.upstreamErrors,
    ),
    gauge('connections', 'Open connections of clients.', [
      { labels: '', value: workers.reduce((sum, worker) => sum + worker.connections, 0) },
    ]),
    counter('handshakes_waited_total', 'Handshakes that ever waited for certificate work: always 0.', {
      '': serving.handshakesWaited,
    }),
    counter('requests_waited_total', 'Requests that ever waited for certificate work: always 0.', {
      '': serving.requestsWaited,
    }),
  ];
}

function certificateFamilies({ certificates }: Status, { attempts }: Figures): Family[] {
  return [
    gauge(
      'certificate_not_after_seconds',
      'When the certificate expires, in seconds since 1970.',
      moments(certificates, ({ notAfter }) => notAfter),
    ),
    gauge(
      'certificate_renew_at_seconds',
      'When the certificate is renewed next, in seconds since 1970.',
      moments(certificates, ({ renewAt }) => renewAt),
    ),
    {
      name: 'certificate_attempts_total',
      type: 'counter',
      help: 'Finished attempts to obtain or renew, by certificate and outcome.',
      samples: attempts.map(({ id, outcome, count }) => ({ labels: labels({ id, outcome }), value: count })),
    },
    gauge(
      'certificate_consecutive_failures',
      'Failed attempts since the last success.',
      certificates.map(({ id, lastError }) => ({ labels: labels({ id }), value: lastError?.attempts ?? 0 })),
    ),
    gauge(
      'ocsp_next_update_seconds',
      'When the stapled OCSP response expires, in seconds since 1970.',
      moments(certificates, ({ ocsp }) => ocsp?.nextUpdate ?? null),
    ),
  ];
}

function ownFamilies({ version }: Status, figures: Figures): Family[] {
  return [
    counter('config_reload_total', 'Configurations put into force since the start.', {
      '': figures.configReloads,
    }),
    counter('config_reload_failures_total', 'Reloads refused because the configuration was wrong.', {
      '': figures.configReloadFailures,
    }),
    gauge(
      'worker_event_loop_delay_seconds',
      'How late the event loop of a worker was over the last second; quantile 1 is the worst.',
      figures.workers.flatMap(({ id, eventLoopDelayMs: { p50, p99, max } }) =>
        Object.entries({ '0.5': p50, '0.99': p99, '1': max }).map(([quantile, ms]) => ({
          labels: labels({ worker: String(id), quantile }),
          value: ms / 1000,
        })),
      ),
    ),
    gauge('build_info', 'Always 1; the version is in the label.', [
      { labels: labels({ version }), value: 1 },
    ]),
  ];
}

function counter(name: string, help: string, values: Readonly<Record<string, number>>): Family {
  return { name, type: 'counter', help, samples: samplesOf(values) };
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: 'gauge', help, samples };
}

function moments(
  certificates: readonly CertificateView[],
  timeOf: (certificate: CertificateView) => string | null,
): Sample[] {
  return certificates.flatMap((certificate) => {
    const time = timeOf(certificate);
    return time === null ? [] : [{ labels: labels({ id: certificate.id }), value: Date.parse(time) / 1000 }];
  });
}

/** Buckets of the format count everything up to their bound; ours count what lies between two bounds. */
function durationSamples(durations: MetricValues['durations']): Sample[] {
  return Object.entries(durations).flatMap(([set, { buckets, sumSeconds }]) => {
    const bounds = [...DURATION_BUCKETS_S.map(String), '+Inf'];
    let count = 0;
    const cumulative = bounds.map((bound, index): Sample => {
      count += buckets[index] ?? 0;
      return {
        suffix: '_bucket',
        labels: [set, labels({ le: bound })].filter(Boolean).join(','),
        value: count,
      };
    });
    return [
      ...cumulative,
      { suffix: '_sum', labels: set, value: sumSeconds },
      { suffix: '_count', labels: set, value: count },
    ];
  });
}
