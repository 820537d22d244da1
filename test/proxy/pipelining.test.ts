import { describe, expect, it } from 'vitest';
import { route, startProxy } from './fixture.ts';
import { connectTls } from './raw-client.ts';
import { answering, httpUpstream, OK, rawUpstream } from './upstream-servers.ts';

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: example.test\r\n\r\n`;
}

describe('pipelined requests', () => {
  it('are answered in order, and reach the upstream one after the other', async () => {
    let running = 0;
    let most = 0;
    const upstream = await httpUpstream((request, response) => {
      most = Math.max(most, ++running);
      setTimeout(
        () => {
          running--;
          response.end(request.url);
        },
        request.url === '/0' ? 50 : 1,
      );
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send([0, 1, 2, 3, 4].map((n) => get(`/${n}`)).join(''));
    for (let n = 0; n < 5; n++) expect((await client.response()).body).toBe(`/${n}`);
    expect(most).toBe(1);
  });

  it('before one that cannot be read still get their answers', async () => {
    const upstream = await rawUpstream(answering(OK));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send(`${get('/1')}${get('/2')}nonsense\r\n\r\n`);
    expect((await client.response()).status).toBe(200);
    expect((await client.response()).status).toBe(200);
    expect((await client.response()).status).toBe(400);
    expect(await client.readToEnd()).toBe('');
  });

  it('with bodies stay whole', async () => {
    const upstream = await httpUpstream(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      response.end(body);
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    const post = (body: string) =>
      `POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const chunked =
      'POST / HTTP/1.1\r\nHost: example.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nGET\r\n0\r\n\r\n';
    client.send(`${post('one')}${chunked}${post('three')}${get('/')}`);
    for (const body of ['one', 'GET', 'three', '']) expect((await client.response()).body).toBe(body);
  });

  it('after the last that is taken are dropped', async () => {
    const upstream = await rawUpstream(answering(OK));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send('GET / HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n').send(get('/after'));
    expect((await client.response()).status).toBe(200);
    expect(await client.readToEnd()).toBe('');
    expect(upstream.received).not.toContain('/after');
  });

  it('beyond a hundred are not taken: the connection closes before them', async () => {
    const upstream = await rawUpstream(answering(OK));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send(get('/').repeat(300));
    let answered = 0;
    for (let last = false; !last; answered++)
      last = (await client.response()).field('connection') === 'close';
    expect(await client.readToEnd()).toBe('');
    expect(answered).toBeGreaterThan(100);
    expect(answered).toBeLessThan(300);
    expect(upstream.received.split('GET ').length - 1).toBe(answered);
  });

  it('without end are cut off', async () => {
    const upstream = await rawUpstream(() => {});
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send(get('/').repeat(2_000));
    expect(await client.readToEnd()).toBe('');
    expect(upstream.connections.length).toBeLessThan(2);
  });
});
