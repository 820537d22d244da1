import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { metricsText } from '../../src/admin/metrics.ts';
import { find } from '../peers.ts';
import { readExposition } from './exposition.ts';
import { certificate, FAILURE, figures } from './status.ts';

describe('/metrics', () => {
  it('has every metric under its name', () => {
    const families = readExposition(metricsText(figures()));
    expect(new Map([...families].map(([name, { type }]) => [name, type]))).toEqual(
      new Map([
        ['rigil_build_info', 'gauge'],
        ['rigil_connections_refused_total', 'counter'],
        ['rigil_tls_hello_total', 'counter'],
        ['rigil_response_total', 'counter'],
        ['rigil_store_writable', 'gauge'],
        ['rigil_request_duration_seconds', 'histogram'],
        ['rigil_upstream_errors_total', 'counter'],
        ['rigil_upstream_retries_total', 'counter'],
        ['rigil_upstream_up', 'gauge'],
        ['rigil_connections', 'gauge'],
        ['rigil_certificate_not_after_seconds', 'gauge'],
        ['rigil_certificate_renew_at_seconds', 'gauge'],
        ['rigil_certificate_attempts_total', 'counter'],
        ['rigil_certificate_consecutive_failures', 'gauge'],
        ['rigil_ocsp_next_update_seconds', 'gauge'],
        ['rigil_config_reload_total', 'counter'],
        ['rigil_config_reload_failures_total', 'counter'],
        ['rigil_worker_event_loop_delay_seconds', 'gauge'],
        ['rigil_handshakes_waited_total', 'counter'],
        ['rigil_requests_waited_total', 'counter'],
        ['rigil_access_log_dropped_total', 'counter'],
      ]),
    );
  });

  it('has those of Centauri under their old names where that is wanted', () => {
    const both = metricsText(figures({ centauriMetrics: true }));
    expect(both.startsWith(metricsText(figures()))).toBe(true);
    for (const name of ['tls_hello_total', 'response_total']) {
      const samples = (prefix: string) =>
        both
          .split('\n')
          .flatMap((line) => (line.startsWith(`${prefix}_${name}{`) ? [line.slice(prefix.length)] : []));
      expect(samples('centauri').length).toBeGreaterThan(0);
      expect(samples('centauri')).toEqual(samples('rigil'));
    }
    const families = readExposition(both);
    expect(families.get('centauri_response_total')?.type).toBe('counter');
  });

  it('says what was counted', () => {
    const text = metricsText(
      figures({
        certificates: [
          certificate({
            lastError: FAILURE,
            ocsp: {
              status: 'good',
              thisUpdate: '2026-03-01T00:00:00.000Z',
              nextUpdate: '2026-03-08T00:00:00.000Z',
            },
          }),
          certificate({ id: 'new.test', notAfter: null, renewAt: null }),
        ],
      }),
    );
    for (const line of [
      'rigil_tls_hello_total{known="true"} 7',
      'rigil_tls_hello_total{known="false"} 2',
      'rigil_response_total{route="one.test",status="200"} 5',
      'rigil_upstream_errors_total{route="one.test",kind="refused"} 1',
      'rigil_upstream_retries_total{route="one.test"} 2',
      'rigil_upstream_up{route="one.test",upstream="http://127.0.0.1:8080"} 1',
      'rigil_upstream_up{route="one.test",upstream="unix:/a\\"b"} 0',
      'rigil_connections 3',
      'rigil_certificate_not_after_seconds{id="one.test"} 1777680000',
      'rigil_certificate_renew_at_seconds{id="one.test"} 1775088000',
      'rigil_certificate_attempts_total{id="one.test",outcome="success"} 1',
      'rigil_certificate_attempts_total{id="one.test",outcome="failure"} 4',
      'rigil_certificate_consecutive_failures{id="one.test"} 3',
      'rigil_certificate_consecutive_failures{id="new.test"} 0',
      'rigil_ocsp_next_update_seconds{id="one.test"} 1772928000',
      'rigil_config_reload_total 2',
      'rigil_config_reload_failures_total 1',
      'rigil_worker_event_loop_delay_seconds{worker="1",quantile="0.99"} 0.0015',
      'rigil_handshakes_waited_total 0',
      'rigil_requests_waited_total 0',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    expect(text).not.toContain('not_after_seconds{id="new.test"}');
  });

  it('has buckets that include the smaller ones, and end with all', () => {
    const text = metricsText(figures());
    const buckets = [...text.matchAll(/duration_seconds_bucket\{route="one\.test",le="([^"]+)"\} (\d+)/g)];
    expect(buckets.map(([, le]) => le)).toEqual([
      '0.001',
      '0.0025',
      '0.005',
      '0.01',
      '0.025',
      '0.05',
      '0.1',
      '0.25',
      '0.5',
      '1',
      '2.5',
      '5',
      '10',
      '30',
      '+Inf',
    ]);
    expect(buckets.map(([, , count]) => Number(count))).toEqual([1, ...Array(13).fill(3), 4]);
    expect(text).toContain('rigil_request_duration_seconds_sum{route="one.test"} 31.5\n');
    expect(text).toContain('rigil_request_duration_seconds_count{route="one.test"} 4\n');
  });

  it('stays readable whatever is in a name', () => {
    const id = 'a"b\\c\nd';
    const families = readExposition(
      metricsText(figures({ certificates: [certificate({ id })], version: id })),
    );
    expect(families.get('rigil_certificate_not_after_seconds')?.samples[0]?.labels).toEqual({ id });
    expect(families.get('rigil_build_info')?.samples[0]?.labels).toEqual({ version: id });
  });

  it.skipIf(find('promtool') === null)('is what Prometheus itself accepts', () => {
    execFileSync('promtool', ['check', 'metrics'], { input: metricsText(figures()) });
  });
});
