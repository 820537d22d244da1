import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRenewalInfo } from '../../src/acme/renewal-info.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { readLeaf } from '../../src/x509/leaf.ts';
import { describeAtPebbles, type Pebble, startPebble } from '../pebble.ts';
import { factsOf, noSignal, orderFor, silent, workbench } from './workbench.ts';

const NAMES = ['renew.example.org'];
const HOUR_MS = 3_600_000;

describeAtPebbles('renewal', 'modern', (programs) => {
  let pebble: Pebble;
  beforeAll(async () => {
    pebble = await startPebble(programs, { environment: { PEBBLE_VA_ALWAYS_VALID: '1' } });
  });
  afterAll(() => pebble.stop());
  const start = (settings = {}) => workbench(pebble, settings, () => [silent('http-01')]);

  it('asks for the window, which lies in the lifetime', async () => {
    const { issuer } = start();
    const facts = factsOf(await issuer.issue(orderFor(NAMES), noSignal));
    const info = await issuer.renewalInfo(facts, noSignal);
    expect(info?.start).toBeGreaterThan(facts.notBefore);
    expect(info?.end).toBeLessThan(facts.notAfter);
    expect(info?.explanationUrl).toBeNull();
    expect((info?.nextFetchAt ?? 0) - systemClock.now()).toBeGreaterThan(5 * HOUR_MS);
  });

  it('hands on a window in the past with its explanation, and ignores one that ends before it starts', async () => {
    const { issuer } = start();
    const issued = await issuer.issue(orderFor(NAMES), noSignal);
    const answer = async (window: { start: string; end: string }) => {
      const ariResponse = JSON.stringify({ suggestedWindow: window, explanationURL: 'https://ca.test/why' });
      const certificate = issued.chain.slice(0, issued.chain.indexOf('-----END CERTIFICATE-----') + 26);
      expect(await pebble.manage('/set-renewal-info/', { certificate, ariResponse })).toMatchObject({
        status: 200,
      });
      return issuer.renewalInfo(factsOf(issued), noSignal);
    };
    expect(await answer({ start: '2020-01-01T00:00:00Z', end: '2020-01-02T00:00:00Z' })).toMatchObject({
      start: Date.UTC(2020, 0, 1),
      end: Date.UTC(2020, 0, 2),
      explanationUrl: 'https://ca.test/why',
    });
    expect(await answer({ start: '2020-01-02T00:00:00Z', end: '2020-01-01T00:00:00Z' })).toBeNull();
  });

  it('has no advice for a certificate that the CA does not know', async () => {
    const { issuer } = start();
    const facts = factsOf(await issuer.issue(orderFor(NAMES), noSignal));
    const stranger = { ...facts, ariId: 'aYhba4dGQEHhs3uEe9CuLN4ByNQ.AIdlQyE' };
    expect(await issuer.renewalInfo(stranger, noSignal)).toBeNull();
    expect(await issuer.renewalInfo({ ...facts, ariId: null }, noSignal)).toBeNull();
    expect(await issuer.renewalInfo({ ...facts, ariId: '../dir' }, noSignal)).toBeNull();
  });

  it('names the certificate that is replaced, and does without when it was replaced already', async () => {
    const { issuer } = start();
    const first = factsOf(await issuer.issue(orderFor(NAMES), noSignal));
    const before = pebble.log().length;
    await issuer.issue(orderFor(NAMES, first), noSignal);
    expect(pebble.log().slice(before)).toContain('is a replacement of');
    const again = pebble.log().length;
    const requests = await issuer.requests();
    await issuer.issue(orderFor(NAMES, first), noSignal);
    expect(pebble.log().slice(again)).not.toContain('is a replacement of');
    expect((await issuer.requests()) - requests, 'one refused order more').toBeGreaterThanOrEqual(8);
  });

  it('does without when the predecessor is of another CA', async () => {
    const { issuer } = start();
    const facts = factsOf(await issuer.issue(orderFor(NAMES), noSignal));
    const stranger = { ...facts, ariId: 'aYhba4dGQEHhs3uEe9CuLN4ByNQ.AIdlQyE' };
    await issuer.issue(orderFor(NAMES, stranger), noSignal);
  });

  it('orders by a profile', async () => {
    const { chain } = await start({ profile: 'shortlived' }).issuer.issue(orderFor(NAMES), noSignal);
    const { notAfter, notBefore } = readLeaf(chain);
    expect(notAfter - notBefore).toBeLessThan(7 * 24 * HOUR_MS);
  });

  it('names the profiles that there are when the wanted one is unknown', async () => {
    await expect(
      start({ profile: 'longlived' }).issuer.issue(orderFor(NAMES), noSignal),
    ).rejects.toMatchObject({
      code: 'profile-unknown',
      hint: expect.stringContaining('shortlived'),
    });
  });
});

describeAtPebbles('a CA without renewal information', 'old', (programs) => {
  let pebble: Pebble;
  beforeAll(async () => {
    pebble = await startPebble(programs, { environment: { PEBBLE_VA_ALWAYS_VALID: '1' } });
  });
  afterAll(() => pebble.stop());
  const start = (settings = {}) => workbench(pebble, settings, () => [silent('http-01')]);

  it('gives no advice, and is not bothered with predecessors', async () => {
    const { issuer } = start();
    const facts = factsOf(await issuer.issue(orderFor(NAMES), noSignal));
    expect(await issuer.renewalInfo(facts, noSignal)).toBeNull();
    await issuer.issue(orderFor(NAMES, facts), noSignal);
  });

  it('has no profiles, and a wanted one is an error rather than ignored', async () => {
    await expect(
      start({ profile: 'shortlived' }).issuer.issue(orderFor(NAMES), noSignal),
    ).rejects.toMatchObject({
      code: 'profile-unknown',
    });
  });
});

describe('a suggested window', () => {
  const now = Date.UTC(2026, 0, 1);
  const window = { start: '2026-02-01T00:00:00Z', end: '2026-02-02T12:00:00.5+02:00' };
  const read = (value: unknown, retry?: string) => readRenewalInfo(value, retry, now);

  it('is read with fractions and offsets', () => {
    expect(read({ suggestedWindow: window })).toEqual({
      start: Date.UTC(2026, 1, 1),
      end: Date.UTC(2026, 1, 2, 10) + 500,
      explanationUrl: null,
      nextFetchAt: now + 6 * HOUR_MS,
    });
  });

  it.each([
    ['1', 60_000],
    ['3600', HOUR_MS],
    ['99999999', 24 * HOUR_MS],
    ['Thu, 01 Jan 2026 02:00:00 GMT', 2 * HOUR_MS],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 60_000],
    ['soon', 6 * HOUR_MS],
  ])('is asked for again after %s within a minute and a day', (retry, wait) => {
    expect(read({ suggestedWindow: window }, retry)?.nextFetchAt).toBe(now + wait);
  });

  it.each([
    ['nothing', undefined],
    ['text', '<html>'],
    ['no window', {}],
    ['a list', { suggestedWindow: [] }],
    ['an end at its start', { suggestedWindow: { start: window.start, end: window.start } }],
    ['an end before its start', { suggestedWindow: { start: window.end, end: window.start } }],
    ['numbers', { suggestedWindow: { start: 1, end: 2 } }],
    ['no dates', { suggestedWindow: { start: 'now', end: 'then' } }],
  ])('that is %s is ignored', (_, value) => {
    expect(read(value)).toBeNull();
  });

  it.each([
    'javascript:alert(1)',
    'http://ca.test/',
    'https://u:p@ca.test/',
    7,
    `https://ca.test/${'x'.repeat(3000)}`,
  ])('keeps no explanation at %s', (explanationURL) => {
    expect(read({ suggestedWindow: window, explanationURL })?.explanationUrl).toBeNull();
  });
});
