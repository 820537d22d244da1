import { describe, expect, it } from 'vitest';
import { route, startProxy } from './fixture.ts';
import { connectTls } from './raw-client.ts';
import { answering, OK, rawUpstream } from './upstream-servers.ts';

const HEAD = 'POST / HTTP/1.1\r\nHost: example.test\r\n';
const NEXT = 'GET /smuggled HTTP/1.1\r\nHost: example.test\r\n\r\n';

describe('a request that could be read in two ways', () => {
  it.each([
    [
      'Content-Length and Transfer-Encoding',
      `${HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    [
      'Transfer-Encoding and Content-Length',
      `${HEAD}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
    ],
    ['two lengths that differ', `${HEAD}Content-Length: 3\r\nContent-Length: 0\r\n\r\nabc`],
    ['two equal lengths', `${HEAD}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`],
    ['a list of lengths', `${HEAD}Content-Length: 3, 3\r\n\r\nabc`],
    ['a signed length', `${HEAD}Content-Length: +3\r\n\r\nabc`],
    ['a length in hexadecimal', `${HEAD}Content-Length: 0x3\r\n\r\nabc`],
    ['an empty length', `${HEAD}Content-Length: \r\n\r\n`],
    ['a length with white space before the colon', `${HEAD}Content-Length : 3\r\n\r\nabc`],
    ['another coding before chunked', `${HEAD}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ['another coding than chunked', `${HEAD}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ['identity', `${HEAD}Transfer-Encoding: identity\r\n\r\n`],
    ['chunked twice', `${HEAD}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['chunked with a parameter', `${HEAD}Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n`],
    ['a vertical tab before chunked', `${HEAD}Transfer-Encoding:\vchunked\r\n\r\n0\r\n\r\n`],
    ['a folded line', `${HEAD}X: a\r\n b\r\n\r\n`],
    ['a folded line before the first', 'POST / HTTP/1.1\r\n Host: example.test\r\n\r\n'],
    ['bare line feeds', 'GET / HTTP/1.1\nHost: example.test\n\n'],
    ['one bare line feed', `GET / HTTP/1.1\r\nHost: example.test\nX: y\r\n\r\n`],
    ['a bare carriage return', `GET / HTTP/1.1\r\nHost: example.test\r\nX: a\rb\r\n\r\n`],
    ['a zero byte', `GET / HTTP/1.1\r\nHost: example.test\r\nX: a\0b\r\n\r\n`],
    ['a line without colon', `GET / HTTP/1.1\r\nHost: example.test\r\nX\r\n\r\n`],
    ['a field without name', `GET / HTTP/1.1\r\nHost: example.test\r\n: x\r\n\r\n`],
    ['white space in the target', `GET /a b HTTP/1.1\r\nHost: example.test\r\n\r\n`],
    [
      'chunked in HTTP/1.0',
      `POST / HTTP/1.0\r\nHost: example.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
  ])('is refused with 400, and nothing after it is read: %s', async (_, request) => {
    const upstream = await rawUpstream(answering(OK));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    const response = await client.send(request + NEXT).response();
    expect(response.status).toBe(400);
    expect(response.field('connection')).toBe('close');
    expect(await client.readToEnd()).toBe('');
    expect(upstream.received).toBe('');
    expect(proxy.counters.values().responses).toEqual({ 'route="none",status="400"': 1 });
  });

  it.each(['HTTP/0.9', 'HTTP/2.0'])('is refused with 505: %s', async (version) => {
    const upstream = await rawUpstream(answering(OK));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    expect((await client.send(`GET / ${version}\r\nHost: example.test\r\n\r\n`).response()).status).toBe(505);
    expect(upstream.received).toBe('');
  });

  it('is refused with 413 when its length cannot be counted', async () => {
    const upstream = await rawUpstream(answering(OK));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    expect((await client.send(`${HEAD}Content-Length: 9007199254740993\r\n\r\n`).response()).status).toBe(
      413,
    );
    expect(upstream.received).toBe('');
  });

  it.each([
    ['a size in hexadecimal notation', '0x3\r\nabc\r\n0\r\n\r\n'],
    ['white space after a size', '3 \r\nabc\r\n0\r\n\r\n'],
    ['a bare line feed after a size', '3\nabc\r\n0\r\n\r\n'],
    ['a bare line feed in an extension', '3;a\nabc\r\n0\r\n\r\n'],
    ['more data than its size', '3\r\nabcd\r\n0\r\n\r\n'],
    ['a size beyond 64 bits', 'fffffffffffffffff\r\nabc\r\n0\r\n\r\n'],
    ['a length among the trailers', '3\r\nabc\r\n0\r\nContent-Length: 3\r\n\r\n'],
  ])('is refused in the middle of its chunked body: %s', async (_, chunks) => {
    const upstream = await rawUpstream(() => {});
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send(`${HEAD}Transfer-Encoding: chunked\r\n\r\n${chunks}${NEXT}`);
    const response = await client.response();
    expect(response.status).toBe(400);
    expect(await client.readToEnd()).toBe('');
    expect(upstream.received).not.toContain('smuggled');
    expect(upstream.received).not.toContain('0\r\n\r\n');
    expect(proxy.counters.values().upstreamErrors).toEqual({});
  });
});
