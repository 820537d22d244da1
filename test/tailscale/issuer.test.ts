import { createPrivateKey } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Order } from '../../src/certs/ports.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { systemHttp } from '../../src/platform/http.ts';
import { TailscaleIssuer } from '../../src/tailscale/issuer.ts';
import { LocalApi } from '../../src/tailscale/local-api.ts';
import { DAY } from '../certs/make.ts';
import { realCertificate, selfSigned } from '../certs/real-certificate.ts';
import { StatusError, startTailscale, type TailscaleStandIn } from './stand-in.ts';

const NAME = 'box.tail1234.ts.net';

describe('the Tailscale daemon as an issuer', () => {
  let daemon: TailscaleStandIn;
  let issuer: TailscaleIssuer;

  beforeEach(async () => {
    daemon = await startTailscale();
    const api = new LocalApi({ socket: daemon.socket, http: systemHttp, clock: systemClock });
    issuer = new TailscaleIssuer({ name: 'tailnet', timeoutMs: 60_000, api, clock: systemClock });
  });
  afterEach(() => daemon[Symbol.asyncDispose]());

  const issue = (order: Partial<Order> = {}, signal = new AbortController().signal) =>
    issuer.issue({ id: NAME, names: [NAME], replaces: null, ...order }, signal);

  /** As the daemon sends it: a key in the form of SEC 1, then leaf and intermediate. */
  async function pair(): Promise<string> {
    const { chain, key } = await selfSigned([NAME], Date.now());
    const sec1 = createPrivateKey(key).export({ type: 'sec1', format: 'pem' }).toString();
    return sec1 + chain + (await selfSigned(['ca'])).chain;
  }

  it('gives what the daemon has, with the key as PKCS#8', async () => {
    const text = await pair();
    daemon.world.certificate = () => text;
    const { chain, key } = await issue();
    expect(text.endsWith(chain)).toBe(true);
    expect(chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----/);
    expect(createPrivateKey(key).equals(createPrivateKey(text))).toBe(true);
    expect(daemon.requests).toEqual([`/localapi/v0/cert/${NAME}?type=pair`]);
  });

  it('asks for one that lives longer than what it replaces, so that the old one does not come back', async () => {
    const text = await pair();
    let asked = 0;
    daemon.world.certificate = (_name, minValidityMs) => {
      asked = minValidityMs;
      return text;
    };
    const { facts } = await realCertificate({ names: [NAME], notBefore: Date.now() - 61 * DAY });
    await issue({ replaces: facts });
    const left = facts.notAfter - Date.now();
    expect(asked).toBeGreaterThan(left);
    expect(asked).toBeLessThan(left + 120_000);
  });

  it('certifies one name at a time', async () => {
    await expect(issue({ names: [NAME, 'b.ts.net'] })).rejects.toMatchObject({ code: 'identifier-refused' });
    expect(daemon.requests).toEqual([]);
  });

  it.each<[string, (daemon: TailscaleStandIn) => unknown, RegExp]>([
    ['the user may not', ({ world }) => Object.assign(world, { permitCert: false }), /cert access denied/],
    ['HTTPS is off', ({ world }) => Object.assign(world, { certDomains: [] }), /no certificates/],
    [
      'the name is another one',
      ({ world }) => Object.assign(world, { certDomains: ['other.tail1234.ts.net'] }),
      /other\.tail1234\.ts\.net.*not box/,
    ],
    [
      'nobody is logged in',
      ({ world }) => Object.assign(world, { state: 'NeedsLogin', certDomains: [] }),
      /NeedsLogin/,
    ],
    ['the CA fails', () => {}, /answers 500: no certificates/],
  ])('says that %s, and what to do', async (_case, arrange, message) => {
    arrange(daemon);
    await expect(issue()).rejects.toMatchObject({
      code: 'tailscale-refused',
      message: expect.stringMatching(message),
    });
  });

  it('comes back when a rate limit is over', async () => {
    daemon.world.certificate = () => {
      throw new StatusError(429, 'acme: rate limited', { 'retry-after': '3600' });
    };
    const error = await issue().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'rate-limited' });
    const { retryAt } = error as { retryAt: number };
    expect(Math.abs(retryAt - Date.now() - 3_600_000)).toBeLessThan(60_000);
  });

  it('is tried again later when the daemon is away', async () => {
    await daemon.stop();
    await expect(issue()).rejects.toMatchObject({ code: 'tailscale-unreachable', hint: expect.any(String) });
  });

  it('does not take anything else for a certificate', async () => {
    for (const text of ['', 'hello', (await pair()).replace(/^[\s\S]*END EC PRIVATE KEY-----\n/, '')]) {
      daemon.world.certificate = () => text;
      await expect(issue()).rejects.toMatchObject({ code: 'certificate-unusable' });
    }
  });

  it('ends soon when it is broken off', async () => {
    const stop = new AbortController();
    daemon.world.certificate = () => {
      stop.abort();
      return new Promise<string>(() => {});
    };
    await expect(issue({}, stop.signal)).rejects.toThrow();
  });
});
