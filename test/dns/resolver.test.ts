import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createResolver } from '../../src/dns/resolver.ts';
import { hasRoute } from '../../src/dns/route-probe.ts';
import { type Bind, startBind } from '../bind.ts';
import { has } from '../peers.ts';
import { never } from './records.ts';

describe.skipIf(!has('named'))('a resolver, asking BIND', () => {
  let bind: Bind;
  const resolver = () => createResolver([bind.server]);

  beforeAll(async () => {
    bind = await startBind({
      zones: [
        {
          name: 'acme.test',
          records: [
            '@ NS ns1',
            '@ NS Ns2.Other.test.',
            'ns1 A 192.0.2.1',
            'ns1 AAAA 2001:db8::1',
            `long TXT "${'a'.repeat(255)}" "bc"`,
            ...Array.from({ length: 30 }, (_, i) => `many TXT "${'x'.repeat(100)}${i}"`),
            '_acme-challenge CNAME Target.Other.test.',
          ],
        },
      ],
      brokenZones: ['broken.test'],
    });
  });
  afterAll(() => bind?.stop());

  it('joins the strings of one TXT value, and takes more than fit into a packet', async () => {
    expect(await resolver().txt('long.acme.test', never)).toEqual([`${'a'.repeat(255)}bc`]);
    expect(await resolver().txt('many.acme.test', never)).toHaveLength(30);
  });

  it('gives names in lower case and without a final dot', async () => {
    expect(await resolver().cname('_acme-challenge.acme.test', never)).toEqual({
      target: 'target.other.test',
    });
    expect([...(await resolver().ns('acme.test', never))].sort()).toEqual([
      'ns1.acme.test',
      'ns2.other.test',
    ]);
    expect(await resolver().soa('acme.test', never)).toBe('ns1.acme.test');
  });

  it('gives addresses of both families', async () => {
    expect(await resolver().addresses('ns1.acme.test', never)).toEqual(['192.0.2.1', '2001:db8::1']);
  });

  it('takes what does not exist for an answer', async () => {
    expect(await resolver().txt('nothing.acme.test', never)).toEqual([]);
    expect(await resolver().txt('ns1.acme.test', never)).toEqual([]);
    expect(await resolver().cname('nothing.acme.test', never)).toBe('no-name');
    expect(await resolver().cname('ns1.acme.test', never)).toBe('no-cname');
    expect(await resolver().soa('ns1.acme.test', never)).toBeNull();
    expect(await resolver().addresses('nothing.acme.test', never)).toEqual([]);
  });

  it.each([
    ['www.broken.test', 'answers SERVFAIL'],
    ['www.elsewhere.test', 'answers REFUSED'],
  ])('says what a server does when asked for %s', async (name, said) => {
    await expect(resolver().txt(name, never)).rejects.toMatchObject({
      code: 'dns-lookup-failed',
      message: `TXT ${name}: ${bind.server} ${said}`,
    });
  });

  it('asks the next server when one fails', async () => {
    expect(await createResolver(['127.0.0.1:9', bind.server]).soa('acme.test', never)).toBe('ns1.acme.test');
  });
});

describe('a resolver, asking a server that says nothing', () => {
  let silent: Socket;
  beforeAll(async () => {
    silent = createSocket('udp4');
    silent.bind(0, '127.0.0.1');
    await once(silent, 'listening');
  });
  afterAll(() => silent.close());

  const resolver = (timeoutMs: number) =>
    createResolver([`127.0.0.1:${silent.address().port}`], { timeoutMs, tries: 1 });

  it('gives up', async () => {
    await expect(resolver(100).txt('acme.test', never)).rejects.toMatchObject({
      code: 'dns-lookup-failed',
      message: expect.stringContaining('does not answer'),
    });
  });

  it('ends at once when it is aborted', async () => {
    const abort = new AbortController();
    const asked = once(silent, 'message');
    const question = resolver(60_000).txt('acme.test', abort.signal);
    await asked;
    abort.abort();
    await expect(question).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('the probe for a route', () => {
  it('finds the loopback', async () => {
    expect(await hasRoute('127.0.0.1')).toBe(true);
  });

  it('finds no way to an address that cannot be one', async () => {
    expect(await hasRoute('not an address')).toBe(false);
  });
});
