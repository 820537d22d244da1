import { describe, expect, it } from 'vitest';
import type { ErrorPage, Upstream } from '../../src/routing/route.ts';
import { route, startProxy, until } from './fixture.ts';
import { h2Request } from './h2-client.ts';
import { connectTls } from './raw-client.ts';
import { answering, httpUpstream, rawUpstream } from './upstream-servers.ts';

const DEAD: Upstream = { scheme: 'unix', path: '/nonexistent/socket' };

function answer(status: number, fields = '', body = 'original'): string {
  return `HTTP/1.1 ${status} X\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
}

async function ask(
  upstream: Upstream,
  errorPages: readonly ErrorPage[],
  request = 'GET /path?q',
  limits = {},
) {
  const headerRules = [{ action: 'add', name: 'X-Rule', value: 'yes' }] as const;
  const proxy = await startProxy({ routes: [route(upstream, { errorPages, headerRules })], limits });
  const client = await connectTls(proxy.port);
  client.send(`${request} HTTP/1.1\r\nHost: example.test\r\nCookie: secret\r\nAccept: x/y\r\n\r\n`);
  const response = await client.response(request.split(' ')[0]);
  return { proxy, client, response };
}

describe('an error page', () => {
  it('replaces head and body, keeps the status, and is told nothing of the client but X-Forwarded-*', async () => {
    const upstream = await rawUpstream(
      answering(answer(404, 'Set-Cookie: a=b\r\nWWW-Authenticate: Basic\r\n')),
    );
    const pages = await rawUpstream(
      answering(answer(200, 'X-Page: yes\r\nConnection: X-Hop\r\nX-Hop: 1\r\n', 'page')),
    );
    const { response } = await ask(upstream, [{ status: 404, upstream: pages, path: '/404.html' }]);
    expect(response.status).toBe(404);
    expect(response.body).toBe('page');
    expect(response.field('x-page')).toBe('yes');
    expect(response.field('x-rule')).toBe('yes');
    expect(response.field('x-hop')).toBeNull();
    expect(response.field('set-cookie')).toBeNull();
    expect(response.field('www-authenticate')).toBeNull();
    expect(pages.received.trimEnd().split('\r\n')).toEqual([
      'GET /404.html HTTP/1.1',
      `Host: 127.0.0.1:${pages.port}`,
      'X-Forwarded-For: 127.0.0.1',
      'X-Forwarded-Host: example.test',
      'X-Forwarded-Proto: https',
      'Connection: keep-alive',
    ]);
  });

  it('is asked for with the path of the request when it names none', async () => {
    const upstream = await rawUpstream(answering(answer(500)));
    const pages = await rawUpstream(answering(answer(200)));
    await ask(upstream, [{ status: 500, upstream: pages, path: null }], 'GET /a%2Fb?c');
    expect(pages.received).toContain('GET /a%2Fb?c HTTP/1.1\r\n');
  });

  it('is the first that fits, and only for its own status', async () => {
    const upstream = await rawUpstream(answering(answer(404)));
    const first = await rawUpstream(answering(answer(200, '', 'first')));
    const second = await rawUpstream(answering(answer(200, '', 'second')));
    const errorPages = [
      { status: 500, upstream: second, path: '/' },
      { status: 404, upstream: first, path: '/' },
      { status: 404, upstream: second, path: '/' },
    ];
    expect((await ask(upstream, errorPages)).response.body).toBe('first');
    expect(second.received).toBe('');
    const fine = await rawUpstream(answering(answer(403)));
    expect((await ask(fine, errorPages)).response.body).toBe('original');
  });

  it.each([
    ['when it is absolute', (port: number) => `http://127.0.0.1:${port}/end`],
    ['when it is relative', () => 'end'],
  ])('is followed through redirects: %s', async (_, location) => {
    const upstream = await rawUpstream(answering(answer(404)));
    const pages = await rawUpstream(({ socket }, more) => {
      const step = Number(/\/(\d+) /.exec(more)?.[1] ?? 0);
      if (more.startsWith('GET /end ')) socket.write(answer(200, '', 'the end'));
      else socket.write(answer(302, `Location: ${step < 9 ? `/${step + 1}` : location(pages.port)}\r\n`));
    });
    const { response } = await ask(upstream, [{ status: 404, upstream: pages, path: '/0' }]);
    expect(response.status).toBe(404);
    expect(response.body).toBe('the end');
  });

  it('is not followed for ever', async () => {
    let asked = 0;
    const upstream = await rawUpstream(answering(answer(404)));
    const pages = await httpUpstream((_, response) => {
      asked++;
      response.writeHead(302, { location: '/again' }).end('redirect');
    });
    const { response } = await ask(upstream, [{ status: 404, upstream: pages, path: '/' }]);
    expect(response.body).toBe('redirect');
    expect(asked).toBe(11);
  });

  it('that cannot be had leaves the original response as it was', async () => {
    const upstream = await rawUpstream(answering(answer(404, 'X-Original: yes\r\n')));
    const { response, proxy } = await ask(upstream, [{ status: 404, upstream: DEAD, path: '/' }]);
    expect(response.status).toBe(404);
    expect(response.body).toBe('original');
    expect(response.field('x-original')).toBe('yes');
    expect(response.field('x-rule')).toBe('yes');
    expect(proxy.events).toHaveLength(1);
  });

  it('stands for an upstream that cannot be reached, and the default page for both', async () => {
    const pages = await rawUpstream(answering(answer(200, '', 'maintenance')));
    const { response } = await ask(DEAD, [{ status: 502, upstream: pages, path: '/' }]);
    expect(response.status).toBe(502);
    expect(response.body).toBe('maintenance');
    const nested = await ask(DEAD, [{ status: 502, upstream: DEAD, path: '/' }]);
    expect(nested.response.status).toBe(502);
    expect(nested.response.body).toContain('<h1>Bad Gateway</h1>');
  });

  it('for 502 stands for 504, too, unless there is one for 504', async () => {
    const silent = await rawUpstream(() => {});
    const page502 = {
      status: 502,
      upstream: await rawUpstream(answering(answer(200, '', '502'))),
      path: '/',
    };
    const page504 = {
      status: 504,
      upstream: await rawUpstream(answering(answer(200, '', '504'))),
      path: '/',
    };
    const limits = { upstreamResponseMs: 100 };
    const one = await ask(silent, [page502], 'GET /', limits);
    expect([one.response.status, one.response.body]).toEqual([504, '502']);
    const two = await ask(silent, [page502, page504], 'GET /', limits);
    expect([two.response.status, two.response.body]).toEqual([504, '504']);
  });

  it('of a HEAD request has no body', async () => {
    const upstream = await rawUpstream(answering(answer(404, '', '')));
    const pages = await httpUpstream((_, response) => response.end('page'));
    const { response, client } = await ask(upstream, [{ status: 404, upstream: pages, path: '/' }], 'HEAD /');
    expect(response.status).toBe(404);
    client.send('GET / HTTP/1.1\r\nHost: example.test\r\n\r\n');
    expect((await client.response()).body).toBe('page');
  });

  it('works over HTTP/2', async () => {
    const upstream = await rawUpstream(answering(answer(404)));
    const pages = await rawUpstream(answering(answer(200, '', 'page')));
    const errorPages = [{ status: 404, upstream: pages, path: '/' }];
    const proxy = await startProxy({ routes: [route(upstream, { errorPages })] });
    expect(await h2Request(proxy.port, {})).toMatchObject({ status: 404, body: 'page' });
  });

  it('is given up when the client leaves', async () => {
    const upstream = await rawUpstream(answering(answer(404)));
    const pages = await rawUpstream(() => {});
    const errorPages = [{ status: 404, upstream: pages, path: '/' }];
    const proxy = await startProxy({ routes: [route(upstream, { errorPages })] });
    const client = await connectTls(proxy.port);
    client.send('GET / HTTP/1.1\r\nHost: example.test\r\n\r\n');
    await until(() => pages.received.endsWith('\r\n\r\n'));
    client.socket.destroy();
    await until(() => pages.connections[0]?.socket.destroyed === true);
    expect(proxy.counters.values().responses).toEqual({ 'route="example.test",status="499"': 1 });
  });

  it('leaves the connection of a small original response usable', async () => {
    const upstream = await rawUpstream(answering(answer(404)));
    const pages = await rawUpstream(answering(answer(200, '', 'page')));
    const { client } = await ask(upstream, [{ status: 404, upstream: pages, path: '/' }]);
    client.send('GET / HTTP/1.1\r\nHost: example.test\r\n\r\n');
    expect((await client.response()).body).toBe('page');
    expect(upstream.connections).toHaveLength(1);
    expect(pages.connections).toHaveLength(1);
  });
});
