import { describe, expect, it } from 'vitest';
import { ACCEPTED_BODIES, REFUSED_BODIES } from '../../proxy/codec/http1/chunked-cases.ts';
import { REFUSED_REQUESTS } from '../../proxy/codec/http1/request-cases.ts';
import { route, startProxy, until } from '../../proxy/fixture.ts';
import { connectTls } from '../../proxy/raw-client.ts';
import { readRequests } from './read-requests.ts';
import { recordingUpstream } from './recording-upstream.ts';
import { CHUNKED, passed, post, SMUGGLED } from './wire.ts';

/*
 * The cases of the parsers once more, from a client to what an upstream sees: what the parser refuses must not find a
 * way around it.
 */

/** What the parsers refuse by themselves and the path allows, with the reason. */
const ALLOWED: readonly { readonly why: string; readonly names: readonly string[] }[] = [
  { why: 'RFC 3986 3.2.3 allows an empty port', names: ['an empty port'] },
  {
    why: 'a target may be as long as the head',
    names: ['a target of 8193 bytes', 'a query of 9000 bytes', 'a target of question marks'],
  },
  {
    why: 'trailers that do not frame are dropped, which harms nobody; desync-cases has them',
    names: [
      'Host as a trailer',
      'credentials as a trailer',
      'a client address as a trailer',
      'a lookalike as a trailer',
    ],
  },
];

const isAllowed = (name: string) => ALLOWED.some(({ names }) => names.includes(name));

describe('heads that the parser refuses', () => {
  const cases = REFUSED_REQUESTS.filter(([name]) => !isAllowed(name));

  it.each(cases)('are refused on the whole path: %s', async (_, wire) => {
    const upstream = await recordingUpstream();
    const names = ['example.test', 'a.example', 'b.example', 'a', 'b'];
    const proxy = await startProxy({ routes: [route(upstream, { names })] });
    const client = await connectTls(proxy.port);
    const { status, field } = await client.send(wire + SMUGGLED).response();
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).not.toBe(421);
    expect(field('connection')).toBe('close');
    expect(await client.readToEnd()).toBe('');
    expect(upstream.received).toBe('');
  });
});

describe('chunked bodies that the decoder refuses', () => {
  const cases = REFUSED_BODIES.filter(([name]) => !isAllowed(name));

  it.each(cases)('never end at the upstream: %s', async (_, wire) => {
    const upstream = await recordingUpstream();
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    // The beginning of the body on its own, so that the upstream has a request under way.
    client.send(post([CHUNKED], '2\r\nab\r\n'));
    await until(() => upstream.received.endsWith('2\r\nab\r\n'));
    client.send(wire);
    // What is only a fault if more follows.
    client.send(SMUGGLED);
    const text = await client.readToEnd();
    expect(text).toMatch(/^(HTTP\/1\.1 (400|413|431) |$)/);
    await until(() => proxy.serving.connections === 0);
    const [first, ...others] = upstream.connections;
    expect(others).toEqual([]);
    expect(readRequests(first?.received ?? '').requests).toEqual([]);
    await until(() => first?.socket.destroyed === true);
  });
});

describe('chunked bodies that the decoder reads', () => {
  const DROPPED = /^(host|cookie)$/i;

  it.each(ACCEPTED_BODIES)(
    'reach the upstream as they are: $name',
    async ({ wire, data, rest = 0, trailers = [] }) => {
      const upstream = await recordingUpstream();
      const proxy = await startProxy({ routes: [route(upstream)] });
      const client = await connectTls(proxy.port);
      const body = wire.slice(0, wire.length - rest);
      const responses = client.send(post([CHUNKED], body) + SMUGGLED);
      expect((await responses.response()).status).toBe(200);
      expect((await responses.response()).status).toBe(200);
      const { requests, rest: left } = readRequests(upstream.received);
      expect(requests.map(({ target, body: text }) => [target, text])).toEqual([
        ['/', data],
        ['/smuggled', ''],
      ]);
      expect(left).toBe('');
      for (let index = 0; index < trailers.length; index += 2) {
        const line = `${trailers[index]}: ${trailers[index + 1]}\r\n`;
        expect(upstream.received.includes(`\r\n${line}`)).toBe(!DROPPED.test(trailers[index] ?? ''));
      }
      expect(upstream.received.startsWith(passed('POST / HTTP/1.1', { framing: CHUNKED }))).toBe(true);
    },
  );
});
