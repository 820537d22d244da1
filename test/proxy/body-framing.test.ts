import { describe, expect, it } from 'vitest';
import { route, startProxy, until } from './fixture.ts';
import { connectH2, h2Response } from './h2-client.ts';
import { connectTls } from './raw-client.ts';
import { OK, rawUpstream } from './upstream-servers.ts';

const METHODS = ['GET', 'DELETE', 'OPTIONS', 'HEAD', 'POST', 'PUT', 'PATCH'];
const CHUNKED = '4\r\nGET \r\n0\r\n\r\n';

/** Head and body as an upstream that believes in `Content-Length` and `Transfer-Encoding` alone would read them. */
function messages(received: string): { line: string; fields: string[]; body: string }[] {
  const found = [];
  let rest = received;
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n');
    const [line = '', ...fields] = rest.slice(0, end).split('\r\n');
    rest = rest.slice(end + 4);
    const length = /^content-length: (\d+)$/im.exec(fields.join('\n'))?.[1];
    const chunked = /^transfer-encoding: chunked$/im.test(fields.join('\n'));
    const size = chunked ? rest.indexOf('0\r\n\r\n') + 5 : Number(length ?? 0);
    found.push({ line, fields, body: rest.slice(0, size) });
    rest = rest.slice(size);
  }
  return found;
}

async function setUp(complete: (received: string) => boolean) {
  const upstream = await rawUpstream(({ socket, received }) => {
    if (complete(received)) socket.write(OK);
  });
  return { upstream, proxy: await startProxy({ routes: [route(upstream)] }) };
}

describe.each(METHODS)('the body of %s', (method) => {
  it('stays chunked when it came chunked', async () => {
    const { upstream, proxy } = await setUp((received) => received.endsWith('0\r\n\r\n'));
    const client = await connectTls(proxy.port);
    const head = `${method} /a HTTP/1.1\r\nHost: example.test\r\nTransfer-Encoding: chunked\r\n\r\n`;
    expect((await client.send(head + CHUNKED).response(method)).status).toBe(200);
    const [message, ...others] = messages(upstream.received);
    expect(others).toEqual([]);
    expect(message?.fields.filter((field) => /^(transfer-encoding|content-length)/i.test(field))).toEqual([
      'Transfer-Encoding: chunked',
    ]);
    expect(message?.body).toBe(CHUNKED);
  });

  it('keeps its length', async () => {
    const { upstream, proxy } = await setUp((received) => received.endsWith('abcde'));
    const client = await connectTls(proxy.port);
    const head = `${method} /a HTTP/1.1\r\nHost: example.test\r\nContent-Length: 5\r\n\r\n`;
    expect((await client.send(`${head}abcde`).response(method)).status).toBe(200);
    const [message, ...others] = messages(upstream.received);
    expect(others).toEqual([]);
    expect(message?.fields.filter((field) => /^(transfer-encoding|content-length)/i.test(field))).toEqual([
      'Content-Length: 5',
    ]);
    expect(message?.body).toBe('abcde');
  });

  it('is chunked when it came over HTTP/2 without a length', async () => {
    if (method === 'HEAD') return;
    const { upstream, proxy } = await setUp((received) => received.endsWith('0\r\n\r\n'));
    const session = await connectH2(proxy.port);
    const stream = session.request(
      { ':method': method, ':path': '/a', ':authority': 'example.test' },
      { endStream: false },
    );
    stream.end('abcde');
    expect((await h2Response(stream)).status).toBe(200);
    expect(messages(upstream.received)).toHaveLength(1);
    expect(messages(upstream.received)[0]?.body).toBe('5\r\nabcde\r\n0\r\n\r\n');
  });
});

describe('a request without body', () => {
  it.each([
    ['GET', null],
    ['DELETE', null],
    ['POST', 'Content-Length: 0'],
    ['PUT', 'Content-Length: 0'],
  ])('says so where a body is expected: %s', async (method, expected) => {
    const { upstream, proxy } = await setUp((received) => received.endsWith('\r\n\r\n'));
    const client = await connectTls(proxy.port);
    expect((await client.send(`${method} / HTTP/1.1\r\nHost: example.test\r\n\r\n`).response()).status).toBe(
      200,
    );
    await until(() => upstream.received.endsWith('\r\n\r\n'));
    const framing = upstream.received
      .split('\r\n')
      .filter((field) => /^(content-length|transfer)/i.test(field));
    expect(framing).toEqual(expected === null ? [] : [expected]);
  });
});
