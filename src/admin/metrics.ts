import { DURATION_BUCKETS_S } from '../proxy/protocol.ts';
import type { Figures } from './status.ts';

/** One line of a family: the label set as it is printed, without braces, and the value. */
type Sample = readonly [labels: string, value: number, suffix?: string];

/** The figures in Prometheus' text format 0.0.4. Names and labels are API. */
export function metricsText(figures: Figures): string {
  const { metrics, certificates, workers, attempts } = figures;
  const perCertificate = (read: (certificate: Figures['certificates'][number]) => number | null): Sample[] =>
    certificates.flatMap((certificate) => {
      const value = read(certificate);
      return value === null ? [] : [[label('id', certificate.id), value]];
    });
  return [
    family('build_info', 'gauge', 'The version that runs.', [[label('version', figures.version), 1]]),
    family(
      'tls_hello_total',
      'counter',
      'ClientHellos, by whether a route has the name.',
      counts(metrics.tlsHello),
    ),
    family(
      'response_total',
      'counter',
      'Responses sent to clients; status 499: the client left first.',
      counts(metrics.responses),
    ),
    family(
      'request_duration_seconds',
      'histogram',
      'From the head of a request to the end of its response.',
      durations(metrics.durations),
    ),
    family(
      'upstream_errors_total',
      'counter',
      'Requests that an upstream did not answer, by what went wrong.',
      counts(metrics.upstreamErrors),
    ),
    family(
      'upstream_retries_total',
      'counter',
      'Requests that went on to another upstream, since one could not be asked.',
      counts(metrics.upstreamRetries),
    ),
    family(
      'upstream_up',
      'gauge',
      'Whether an upstream is well, by the health check of its route.',
      figures.upstreams.map(({ route, upstream, up }) => [
        `${label('route', route)},${label('upstream', upstream)}`,
        Number(up),
      ]),
    ),
    family('connections', 'gauge', 'Open connections of clients.', [
      ['', workers.reduce((sum, { report }) => sum + report.connections, 0)],
    ]),
    family(
      'connections_refused_total',
      'counter',
      'Connections that were ended before anything was read, by the directive that says so.',
      counts(metrics.connectionsRefused),
    ),
    family(
      'certificate_not_after_seconds',
      'gauge',
      'End of validity, in seconds since 1970.',
      perCertificate(({ notAfter }) => seconds(notAfter)),
    ),
    family(
      'certificate_renew_at_seconds',
      'gauge',
      'When it will be renewed, in seconds since 1970.',
      perCertificate(({ renewAt }) => seconds(renewAt)),
    ),
    family(
      'certificate_attempts_total',
      'counter',
      'Attempts to obtain or renew since the start, by outcome.',
      [...attempts].flatMap(([id, { succeeded, failed }]) => [
        [`${label('id', id)},outcome="success"`, succeeded] as const,
        [`${label('id', id)},outcome="failure"`, failed] as const,
      ]),
    ),
    family(
      'certificate_consecutive_failures',
      'gauge',
      'Attempts that failed since the last success.',
      perCertificate(({ lastError }) => lastError?.attempts ?? 0),
    ),
    family(
      'ocsp_next_update_seconds',
      'gauge',
      'When the staple ends, in seconds since 1970.',
      perCertificate(({ ocsp }) => seconds(ocsp?.nextUpdate ?? null)),
    ),
    family('config_reload_total', 'counter', 'Reloads, successful or not.', [['', figures.configReloads]]),
    family(
      'config_reload_failures_total',
      'counter',
      'Reloads that changed nothing because the file was wrong.',
      [['', figures.configReloadFailures]],
    ),
    ...(figures.configSource === null
      ? []
      : [
          family(
            'config_source_connected',
            'gauge',
            'Whether the server that sends routes is connected and has sent some.',
            [['', Number(figures.configSource.connected)]],
          ),
        ]),
    family('store_writable', 'gauge', 'Whether certificates can be stored.', [
      ['', Number(figures.store.writable)],
    ]),
    ...(figures.store.kind === 'file'
      ? []
      : [
          family('store_up', 'gauge', 'Whether the database that keeps certificates answers.', [
            ['', Number(figures.store.up)],
          ]),
        ]),
    ...(figures.store.unsealed === null
      ? []
      : [
          family('store_unsealed', 'gauge', 'Secrets that lie in clear in a store that is to be sealed.', [
            ['', figures.store.unsealed],
          ]),
        ]),
    family(
      'worker_event_loop_delay_seconds',
      'gauge',
      'How late timers of a worker fired during the last second.',
      workers.flatMap(({ worker, report: { eventLoopDelayMs } }) =>
        (
          [
            ['0.5', eventLoopDelayMs.p50],
            ['0.99', eventLoopDelayMs.p99],
            ['1', eventLoopDelayMs.max],
          ] as const
        ).map(([quantile, ms]) => [`worker="${worker}",quantile="${quantile}"`, ms / 1000] as const),
      ),
    ),
    family('handshakes_waited_total', 'counter', 'Handshakes that waited for certificate work. Always 0.', [
      ['', metrics.handshakesWaited],
    ]),
    family('requests_waited_total', 'counter', 'Requests that waited for certificate work. Always 0.', [
      ['', metrics.requestsWaited],
    ]),
    family(
      'access_log_dropped_total',
      'counter',
      'Lines of the access log that were lost because they could not be written in time.',
      [['', metrics.accessLogDropped]],
    ),
    ...(figures.centauriMetrics ? centauriFamilies(figures) : []),
  ].join('');
}

/** What Centauri 2.8 has, under its names and with its words. */
function centauriFamilies({ metrics }: Figures): string[] {
  return [
    family(
      'centauri_tls_hello_total',
      'counter',
      'The total number of TLS client hellos received.',
      counts(metrics.tlsHello),
      '',
    ),
    family(
      'centauri_response_total',
      'counter',
      'The total number of responses sent to clients.',
      counts(metrics.responses),
      '',
    ),
  ];
}

function family(
  name: string,
  type: 'counter' | 'gauge' | 'histogram',
  help: string,
  samples: readonly Sample[],
  prefix = 'rigil_',
): string {
  const lines = samples.map(
    ([labels, value, suffix = '']) =>
      `${prefix}${name}${suffix}${labels === '' ? '' : `{${labels}}`} ${numberText(value)}\n`,
  );
  return `# HELP ${prefix}${name} ${help}\n# TYPE ${prefix}${name} ${type}\n${lines.join('')}`;
}

function counts(values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values);
}

/** Buckets arrive as counts of their own; here each includes the smaller ones. */
function durations(values: Figures['metrics']['durations']): Sample[] {
  return Object.entries(values).flatMap(([labels, { buckets, sumSeconds }]) => {
    const prefix = labels === '' ? '' : `${labels},`;
    let total = 0;
    const lines: Sample[] = buckets.map((count, index) => {
      total += count;
      return [`${prefix}le="${DURATION_BUCKETS_S[index] ?? '+Inf'}"`, total, '_bucket'];
    });
    return [...lines, [labels, sumSeconds, '_sum'], [labels, total, '_count']];
  });
}

function label(name: string, value: string): string {
  const escaped = value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  return `${name}="${escaped}"`;
}

function seconds(time: string | null): number | null {
  return time === null ? null : Date.parse(time) / 1000;
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
