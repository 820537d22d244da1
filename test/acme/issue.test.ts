import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Solver } from '../../src/acme/solvers/solver.ts';
import { readLeaf } from '../../src/x509/leaf.ts';
import { certificatesOf } from '../../src/x509/pem.ts';
import { belongsTo, readPrivateKey } from '../../src/x509/private-key.ts';
import { describeAtPebbles, type Pebble, startPebble } from '../pebble.ts';
import { noSignal, orderFor, silent, workbench } from './workbench.ts';

describeAtPebbles('certificates', 'any', (programs) => {
  let pebble: Pebble;
  beforeAll(async () => {
    pebble = await startPebble(programs, { config: { ocspResponderURL: 'http://127.0.0.1:1/' } });
  });
  afterAll(() => pebble.stop());

  it('proves a name by http-01, with a key of its own and a chain to the root without the root', async () => {
    const { issuer, events, board } = workbench(pebble);
    const issued = await issuer.issue(orderFor(['one.example.org']), noSignal);

    const leaf = readLeaf(issued.chain);
    expect(leaf.names).toEqual(['one.example.org']);
    expect(leaf.keyType).toBe('p256');
    expect(belongsTo(readPrivateKey(issued.key), leaf.certificate)).toBe(true);
    const chain = certificatesOf(issued.chain).map(({ der }) => new X509Certificate(der));
    const root = new X509Certificate((await pebble.manage('/roots/0')).body);
    expect(chain.at(-1)?.checkIssued(root)).toBe(true);
    expect(chain.at(-1)?.fingerprint256).not.toBe(root.fingerprint256);
    expect(events.map(({ event }) => event)).toEqual(['challenge.presented', 'challenge.cleared']);
    expect(await board.port('http-01'), 'the listener is closed again').toBeNull();
  });

  it('proves three names at once', async () => {
    const { issuer } = workbench(pebble);
    const names = ['a.example.org', 'b.example.org', 'c.example.org'];
    const issued = await issuer.issue(orderFor(names), noSignal);
    expect([...readLeaf(issued.chain).names].sort()).toEqual(names);
  });

  it('proves names by tls-alpn-01', async () => {
    const { issuer, events } = workbench(pebble, {}, ({ tlsAlpn }) => [tlsAlpn]);
    const issued = await issuer.issue(orderFor(['x.example.org', 'y.example.org']), noSignal);
    expect([...readLeaf(issued.chain).names].sort()).toEqual(['x.example.org', 'y.example.org']);
    expect(events).toContainEqual({
      event: 'challenge.presented',
      id: 'x.example.org',
      type: 'tls-alpn-01',
      name: 'x.example.org',
    });
  });

  it('proves a wildcard and its apex by dns-01, two values at one name', async () => {
    const { issuer } = workbench(pebble, {}, ({ dns }) => [dns]);
    const issued = await issuer.issue(orderFor(['*.wild.example.org', 'wild.example.org']), noSignal);
    expect([...readLeaf(issued.chain).names].sort()).toEqual(['*.wild.example.org', 'wild.example.org']);
  });

  it('takes the first configured way that fits: http-01 for the name, dns-01 for the wildcard', async () => {
    const { issuer, events } = workbench(pebble, {}, ({ http, dns }) => [http, dns]);
    await issuer.issue(orderFor(['mix.example.org', '*.mix.example.org']), noSignal);
    const presented = events.flatMap((event) =>
      event.event === 'challenge.presented' ? [`${event.type} ${event.name}`] : [],
    );
    expect(presented.sort()).toEqual(['dns-01 *.mix.example.org', 'http-01 mix.example.org']);
  });

  it.each(['http', 'tlsAlpn'] as const)('proves an address (%s)', async (way) => {
    const { issuer } = workbench(pebble, {}, (solvers) => [solvers[way]]);
    const issued = await issuer.issue(orderFor(['127.0.0.1']), noSignal);
    expect(readLeaf(issued.chain).names).toEqual(['127.0.0.1']);
  });

  it.each(['p384', 'rsa2048'] as const)('makes a key of type %s', async (keyType) => {
    const { issuer } = workbench(pebble, { keyType });
    const issued = await issuer.issue(orderFor(['key.example.org']), noSignal);
    expect(readLeaf(issued.chain).keyType).toBe(keyType);
  });

  it('asks for a certificate that must be stapled', async () => {
    const { issuer } = workbench(pebble, { mustStaple: true });
    const { chain } = await issuer.issue(orderFor(['staple.example.org']), noSignal);
    expect(readLeaf(chain)).toMatchObject({
      mustStaple: programs.modern,
      responderUrl: 'http://127.0.0.1:1/',
    });
  });

  it('falls back to the next way when the first one fails', async () => {
    const { issuer, events } = workbench(pebble, {}, ({ tlsAlpn }) => [silent('http-01'), tlsAlpn]);
    const issued = await issuer.issue(orderFor(['fallback.example.org']), noSignal);
    expect(readLeaf(issued.chain).names).toEqual(['fallback.example.org']);
    const presented = events.flatMap((event) => (event.event === 'challenge.presented' ? [event.type] : []));
    expect(presented).toEqual(['http-01', 'tls-alpn-01']);
  });

  it('says which name failed and what to do when no way works', async () => {
    const { issuer, events } = workbench(pebble, {}, () => [silent('http-01'), silent('tls-alpn-01')]);
    const issued = issuer.issue(orderFor(['dead.example.org']), noSignal);
    await expect(issued).rejects.toMatchObject({
      code: 'challenge-failed',
      message: expect.stringContaining('dead.example.org: tls-alpn-01 failed'),
      hint: expect.stringContaining('port 443 of dead.example.org'),
    });
    expect(events.filter(({ event }) => event === 'challenge.cleared')).toHaveLength(2);
  });

  it('refuses a wildcard when only http-01 is configured, and says what the CA offers', async () => {
    const { issuer } = workbench(pebble, {}, ({ http }) => [http]);
    await expect(issuer.issue(orderFor(['*.lost.example.org']), noSignal)).rejects.toMatchObject({
      code: 'challenge-unavailable',
      message: expect.stringContaining('dns-01'),
      hint: expect.stringContaining('challenge dns-01'),
    });
  });

  it('names the identifier that the CA rejects, and does not try again', async () => {
    const { issuer } = workbench(pebble);
    const issued = issuer.issue(orderFor(['good.example.org', 'blocked.test']), noSignal);
    await expect(issued).rejects.toMatchObject({
      code: 'identifier-refused',
      message: expect.stringContaining('blocked.test'),
    });
  });

  it('ends soon after an abort and leaves no answer and no pending authorization behind', async () => {
    const controller = new AbortController();
    const stopper: Solver = {
      type: 'dns-01',
      fits: () => true,
      present: async () => {
        controller.abort();
        return async () => {
          cleared++;
        };
      },
    };
    let cleared = 0;
    const { issuer } = workbench(pebble, {}, () => [stopper]);
    const before = pebble.log().length;
    const issued = issuer.issue(orderFor(['stop.example.org']), controller.signal);
    await expect(issued).rejects.toMatchObject({ code: 'aborted' });
    expect(cleared).toBe(1);
    expect(pebble.log().slice(before)).not.toContain('Pulled a task');
  });

  it('leaves nothing but `aborted` when the signal has aborted already', async () => {
    const { issuer } = workbench(pebble);
    const issued = issuer.issue(orderFor(['never.example.org']), AbortSignal.abort());
    await expect(issued).rejects.toMatchObject({ code: 'aborted' });
    expect(await issuer.requests()).toBe(0);
  });
});
