import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CODES } from '../../src/config/codes.ts';
import type { Config } from '../../src/config/config.ts';
import { masked } from '../../src/config/mask.ts';
import { showConfig } from '../../src/config/show.ts';
import { runs } from '../fuzz-runs.ts';
import { anyText, configText } from './arbitrary.ts';
import { parse } from './parse-text.ts';

const ENV = { HOME: '/home/rigil', A: 'value', SPACE: 'a  b ', B: '' };

/** The configuration without what depends on where it was written. */
function essence(config: Config | null): unknown {
  return config && { ...config, routes: config.routes.map((route) => ({ ...route, line: 0 })) };
}

describe('whatever the text is', () => {
  it('reading it ends, and every problem lies inside of it', () => {
    fc.assert(
      fc.property(anyText, fc.constantFrom('daemon', 'check'), (text, mode) => {
        const { config, diagnostics } = parse(text, { env: ENV, mode });
        const lines = text.replace(/^\ufeff/, '').split('\n');
        for (const { line, column, severity, code, message } of diagnostics) {
          expect(Object.keys(CODES)).toContain(code);
          expect(message).not.toBe('');
          expect(severity === 'error' || severity === 'warning').toBe(true);
          if (line === 0) expect(column).toBe(0);
          else {
            expect(column).toBeGreaterThanOrEqual(1);
            expect(column).toBeLessThanOrEqual([...(lines[line - 1] ?? '')].length);
          }
        }
        expect(config === null).toBe(diagnostics.some(({ severity }) => severity === 'error'));
      }),
      { numRuns: runs(2000) },
    );
  });

  it('problems are in the order of the text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const places = parse(text).diagnostics.map(({ line, column }) => line * 1e6 + column);
        expect(places).toEqual(places.toSorted((a, b) => a - b));
      }),
      { numRuns: runs(300) },
    );
  });

  it('the same text is read the same way', () => {
    fc.assert(
      fc.property(configText, (text) => {
        expect(parse(text, { env: ENV })).toEqual(parse(text, { env: ENV }));
      }),
      { numRuns: runs(200) },
    );
  });
});

describe('a valid configuration', () => {
  it('is shown as a text that says the same', () => {
    let valid = 0;
    fc.assert(
      fc.property(configText, (text) => {
        const { config } = parse(text, { env: ENV, mode: 'check' });
        if (config === null) return;
        valid += 1;
        const shown = showConfig(config);
        const again = parse(shown, { env: {}, mode: 'check' });
        expect(again.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
        expect(essence(again.config)).toEqual(essence(config));
        expect(showConfig(again.config ?? config)).toBe(shown);
      }),
      { numRuns: runs(3000) },
    );
    expect(valid).toBeGreaterThan(100);
  });

  it('keeps its promises', () => {
    fc.assert(
      fc.property(configText, (text) => {
        const { config } = parse(text, { env: ENV, mode: 'check' });
        if (config === null) return;
        const names = config.routes.flatMap((route) => route.names);
        expect(new Set(names).size).toBe(names.length);
        expect(config.issuers.some(({ name }) => name === 'internal')).toBe(true);
        for (const route of config.routes) {
          expect(route.upstreams.length).toBeGreaterThan(0);
          expect(route.names.length > 0 || (route.fallback && route.subjects.length > 0)).toBe(true);
          expect([null, ...config.issuers.map(({ name }) => name)]).toContain(route.provider);
        }
        expect(config.routes.filter(({ fallback }) => fallback).length).toBeLessThanOrEqual(1);
      }),
      { numRuns: runs(1000) },
    );
  });

  it('is shown without secrets', () => {
    const text = `global
  store redis redis://user:hunter2@h
issuer a
  eab kid hunter2A
  challenge dns-01 cloudflare token=hunter2
  challenge dns-01 httpreq endpoint=https://u:hunter2@h username=u password=hunter2
  challenge dns-01 exec path=/bin/x env.TOKEN=hunter2
route a.example.com
  upstream a`;
    const { config } = parse(text);
    if (config === null) throw new Error('not valid');
    const safe = masked(config);
    expect(showConfig(safe) + JSON.stringify(safe)).not.toContain('hunter2');
    expect(showConfig(config).match(/hunter2/g)?.length).toBe(6);
    expect(safe.issuers[0]).toMatchObject({
      eab: { keyId: 'kid', hmac: '***' },
      challenges: [
        { options: { token: '***' } },
        { options: { endpoint: 'https://u:***@h/', username: 'u', password: '***' } },
        { options: { path: '/bin/x', 'env.TOKEN': '***' } },
      ],
    });
    expect(safe.global.store).toMatchObject({ url: 'redis://user:***@h' });
  });
});
