import { createServer, type RequestListener } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { LARGEST_BODY, systemHttp } from '../../src/platform/http.ts';

const never = new AbortController().signal;
let stop: (() => void) | null = null;
afterEach(() => stop?.());

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  stop = () => {
    server.closeAllConnections();
    server.close();
  };
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

describe('one HTTP exchange', () => {
  it('sends method, headers and body, and reads all of the answer', async () => {
    const url = await serve(async (incoming, outgoing) => {
      let body = '';
      for await (const chunk of incoming) body += String(chunk);
      outgoing.writeHead(201, { 'X-Two': ['a', 'b'] });
      outgoing.write('é'.repeat(3));
      outgoing.end(
        `${incoming.method} ${incoming.url} ${incoming.headers['x-one']} ${incoming.headers['content-length']} ${body}`,
      );
    });
    const response = await systemHttp(
      { method: 'PUT', url: `${url}/a?b=c`, headers: { 'x-one': '1' }, body: 'ü' },
      never,
    );
    expect(response).toMatchObject({
      status: 201,
      headers: { 'x-two': 'a, b' },
      body: 'éééPUT /a?b=c 1 2 ü',
    });
  });

  it('follows no redirect', async () => {
    const url = await serve((_, outgoing) =>
      outgoing.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
    );
    expect(await systemHttp({ method: 'GET', url }, never)).toMatchObject({
      status: 302,
      headers: { location: 'http://127.0.0.1:9/' },
    });
  });

  it('takes a body of the largest size, and none that is larger', async () => {
    const url = await serve(({ url: path }, outgoing) =>
      outgoing.end('x'.repeat(LARGEST_BODY + (path === '/more' ? 1 : 0))),
    );
    expect((await systemHttp({ method: 'GET', url }, never)).body).toHaveLength(LARGEST_BODY);
    await expect(systemHttp({ method: 'GET', url: `${url}/more` }, never)).rejects.toMatchObject({
      code: 'ERESPONSESIZE',
    });
  });

  it('ends when it is aborted, before and during the answer', async () => {
    const abort = new AbortController();
    const url = await serve((_, outgoing) => {
      outgoing.write('the beginning');
      abort.abort();
    });
    await expect(systemHttp({ method: 'GET', url }, abort.signal)).rejects.toMatchObject({
      name: 'AbortError',
    });
    await expect(systemHttp({ method: 'GET', url }, abort.signal)).rejects.toMatchObject({
      name: 'AbortError',
    });
  });

  it('fails when the answer breaks off', async () => {
    const url = await serve((_, outgoing) => {
      outgoing.writeHead(200, { 'content-length': '100' });
      outgoing.write('only this', () => outgoing.destroy());
    });
    await expect(systemHttp({ method: 'GET', url }, never)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('fails when nobody listens', async () => {
    const url = await serve(() => {});
    stop?.();
    await expect(systemHttp({ method: 'GET', url }, never)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
