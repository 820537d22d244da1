import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CONTENT_SECURITY_POLICY, statusPage } from '../../src/admin/page.ts';
import { since, until } from '../../src/admin/spans.ts';
import { certificate, FAILURE, status, worker } from './status.ts';

describe('the status page', () => {
  it('shows what a person wants to know', () => {
    const page = statusPage(status());
    for (const text of [
      'All is well',
      'one.test',
      'letsencrypt',
      '>61 d 12 h<',
      '1 d 2 h',
      'http://127.0.0.1:8080',
      'fallback',
    ]) {
      expect(page).toContain(text);
    }
    expect(page).toContain('0 handshakes and 0 requests ever waited');
  });

  it('has a bar for the time that each certificate has left', () => {
    const values = [...statusPage(status()).matchAll(/<meter [^>]*value="([\d.]+)"/g)].map(([, value]) =>
      Number(value),
    );
    expect(values).toHaveLength(1);
    expect(values[0]).toBeCloseTo(61.5 / 90, 2);
    const gone = statusPage(
      status({ certificates: [certificate({ notAfter: '2026-02-20T00:00:00.000Z' })] }),
    );
    expect(gone).toMatch(/<meter [^>]*value="0\.000"/);
    expect(gone).toContain('over since 9 d 12 h');
  });

  it('says where routes come from, and whether they do', () => {
    const source = { url: 'tcp://10.0.0.1:8000', connected: true, hasRoutes: true, lastError: null };
    const withSource = (more: object) =>
      statusPage(status({ config: { ...status().config, source: { ...source, ...more } } }));
    expect(withSource({})).toMatch(/tcp:\/\/10\.0\.0\.1:8000<\/code>, which is <span class="good">connected/);
    const lastError = { at: '2026-03-01T11:59:00.000Z', message: 'connection refused' };
    expect(withSource({ connected: false, lastError })).toMatch(
      /not connected<\/span>: connection refused, 1 min ago/,
    );
  });

  it('says what is wrong first', () => {
    const page = statusPage(
      status({
        certificates: [
          certificate({ status: 'missing', notBefore: null, notAfter: null, lastError: FAILURE }),
        ],
        workers: [worker(1, true)],
        config: {
          ...status().config,
          lastError: {
            at: '2026-03-01T11:59:30.000Z',
            problems: ['rigil.conf:3:1: error: no such directive'],
          },
        },
        work: [{ id: 'one.test', action: 'obtain', startedAt: '2026-03-01T11:59:48.000Z' }],
      }),
    );
    expect(page).toMatch(/<title>rigil: 2 to look at/);
    for (const text of [
      'no worker is ready',
      'could not connect',
      'again in 10 min',
      'no such directive',
      'draining',
      '12 s',
    ]) {
      expect(page).toContain(text);
    }
    expect(page.indexOf('no worker is ready')).toBeLessThan(page.indexOf('<h2>'));
  });

  it('says since when the store cannot be written, and what that means', () => {
    const lastError = {
      code: 'store-unwritable',
      message: 'a <full> disk',
      since: '2026-03-01T11:00:00.000Z',
    };
    const page = statusPage(status({ store: { ...status().store, writable: false, lastError } }));
    expect(page).toContain('For 1 h the store could not be written: a &lt;full&gt; disk.');
    expect(statusPage(status())).not.toContain('The store');
  });

  it('says whether a database answers, and what will hurt one day', () => {
    const store = {
      ...status().store,
      kind: 'redis',
      place: 'redis://<h>:6379',
      warnings: ['it <forgets>'],
    } as const;
    const page = statusPage(status({ store }));
    expect(page).toContain('<code>redis://&lt;h&gt;:6379</code>, which <span class="good">answers</span>');
    expect(page).toContain('it &lt;forgets&gt;');
    expect(statusPage(status({ store: { ...store, up: false } }))).toContain('does not answer');
  });

  it('says how upstreams are, where somebody asks them', () => {
    const route = { names: ['a.test'], failing: [], certificate: 'a.test', fallback: false };
    const health = [
      { upstream: 'http://a:1', state: 'up', since: '2026-03-01T11:00:00.000Z', problem: null },
      { upstream: 'http://b:1', state: 'down', since: '2026-03-01T11:00:00.000Z', problem: 'no <answer>' },
    ] as const;
    const upstreams = health.map(({ upstream }) => upstream);
    const page = statusPage(status({ routes: [{ ...route, upstreams, health }] }));
    expect(page).toContain('http://a:1 <span class="up">up</span><br>');
    const failing = statusPage(
      status({ routes: [{ ...route, upstreams, health: null, failing: ['http://b:1'] }] }),
    );
    expect(failing).toContain('http://a:1<br>http://b:1 <span class="expiring">failing</span>');
    expect(page).toContain(
      'http://b:1 <span class="down">down</span><small>for 1 h: no &lt;answer&gt;</small>',
    );
    expect(statusPage(status())).not.toContain('class="up"');
  });

  it('runs nothing and loads nothing, whatever is in a name', () => {
    const evil = '<script src=//evil.example></script>"\'&';
    const page = statusPage(
      status({
        version: evil,
        routes: [
          {
            names: [evil, evil],
            upstreams: [evil],
            health: [{ upstream: evil, state: 'down', since: '2026-01-01T00:00:00.000Z', problem: evil }],
            failing: [evil],
            certificate: evil,
            fallback: false,
          },
        ],
        certificates: [
          certificate({
            id: evil,
            names: [evil, evil],
            issuer: evil,
            renewReason: evil,
            lastError: { ...FAILURE, message: evil },
          }),
        ],
        config: { ...status().config, file: evil, lastError: { at: FAILURE.at, problems: [evil] } },
        work: [{ id: evil, action: evil, startedAt: FAILURE.at }],
      }),
    );
    expect(page).not.toContain('<script');
    expect(page).not.toMatch(/(?:src|href)="(?!\/)/);
    const [, style = ''] = /<style>([\s\S]*)<\/style>/.exec(page) ?? [];
    expect(CONTENT_SECURITY_POLICY).toContain(
      `'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    );
    expect(CONTENT_SECURITY_POLICY).toContain("default-src 'none'");
    expect(style).not.toMatch(/url\(|@import/);
    expect(page).not.toContain(' style=');
  });
});

describe('spans of time', () => {
  const at = Date.parse('2026-03-01T12:00:00Z');
  it.each([
    [0, 'now'],
    [999, 'now'],
    [90_000, 'in 1 min 30 s'],
    [3_600_000, 'in 1 h'],
    [-3_661_000, '1 h 1 min ago'],
    [86_400_000 * 12 + 5_000, 'in 12 d'],
  ])('%d ms are %s', (ms, text) => {
    expect(until(new Date(at + ms).toISOString(), at)).toBe(text);
  });

  it('begin with 0 s', () => {
    expect(since(new Date(at).toISOString(), at)).toBe('0 s');
  });
});
