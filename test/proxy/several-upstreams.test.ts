import net from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { Balance, Upstream } from '../../src/routing/route.ts';
import { listen, route, startProxy, until } from './fixture.ts';
import { connectH2, h2Response } from './h2-client.ts';
import { echo, http2Upstream } from './http2-upstream-server.ts';
import { connectTls } from './raw-client.ts';
import { answering, httpUpstream, OK, rawUpstream } from './upstream-servers.ts';

const request = (method: string, more = '') => `${method} / HTTP/1.1\r\nHost: example.test\r\n${more}\r\n`;
const GET = request('GET');
const POST = `${request('POST', 'Content-Length: 3\r\n')}abc`;

/** A port on which nobody listens. */
async function closedPort(): Promise<Upstream> {
  const server = net.createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return { scheme: 'http', host: '127.0.0.1', port };
}

/** One after the other, so that a test knows who is asked first. */
function inTurn(upstreams: readonly Upstream[], policy: Balance['policy'] = 'round-robin') {
  return route(upstreams, {
    balance: {
      policy,
      weights: upstreams.map(() => 1),
      tokens: upstreams.map((_, index) => `token-${index}`),
    },
  });
}

describe('a request whose upstream cannot be connected to', () => {
  it('goes to another one, with its body, and is counted', async () => {
    const bodies: string[] = [];
    const good = await httpUpstream(async (incoming, response) => {
      bodies.push(await text(incoming));
      response.end('good');
    });
    const lines: string[] = [];
    const proxy = await startProxy({
      routes: [inTurn([await closedPort(), good])],
      onAccessLine: (line) => lines.push(line),
    });
    const client = await connectTls(proxy.port);
    expect((await client.send(POST).response()).body).toBe('good');
    expect(bodies).toEqual(['abc']);
    const { upstreamErrors, upstreamRetries } = proxy.counters.values();
    expect(upstreamErrors).toEqual({ 'route="example.test",kind="refused"': 1 });
    expect(upstreamRetries).toEqual({ 'route="example.test"': 1 });
    expect(proxy.events).toMatchObject([{ event: 'upstream.failed', kind: 'refused' }]);
    await until(() => lines.length > 0);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      status: 200,
      upstream: `http://127.0.0.1:${good.port}`,
      bytesReceived: 3,
    });
  });

  it('goes there over HTTP/2, too, with a body of unknown length', async () => {
    const good = await httpUpstream(async (incoming, response) => {
      response.end(await text(incoming));
    });
    const proxy = await startProxy({ routes: [inTurn([await closedPort(), good])] });
    const session = await connectH2(proxy.port);
    const stream = session.request(
      { ':method': 'POST', ':path': '/', ':authority': 'example.test' },
      { endStream: false },
    );
    stream.end('a body');
    expect((await h2Response(stream)).body).toBe('a body');
  });

  it('leaves that one alone for the next ones', async () => {
    const good = await httpUpstream((_, response) => response.end('good'));
    const proxy = await startProxy({ routes: [inTurn([await closedPort(), good])] });
    const client = await connectTls(proxy.port);
    for (let n = 0; n < 10; n++) expect((await client.send(GET).response()).body).toBe('good');
    expect(proxy.serving.failing).toEqual([expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/)]);
    const { upstreamErrors } = proxy.counters.values();
    // One more for each second that this takes.
    expect(upstreamErrors['route="example.test",kind="refused"']).toBeLessThan(5);
  });

  it('is asked of each once, and then there is a 502', async () => {
    const dead = await Promise.all([closedPort(), closedPort(), closedPort()]);
    const proxy = await startProxy({ routes: [inTurn(dead)] });
    const client = await connectTls(proxy.port);
    for (let n = 1; n <= 2; n++) {
      expect((await client.send(POST).response()).status).toBe(502);
      // Away or not: there is no 502 without a try.
      expect(proxy.counters.values().upstreamErrors).toEqual({
        'route="example.test",kind="refused"': 3 * n,
      });
    }
  });

  it('comes back to it when it is there again and the others are not', async () => {
    const gone = await closedPort();
    if (gone.scheme !== 'http') throw new Error('it is plain');
    const proxy = await startProxy({ routes: [inTurn([gone, await closedPort()])] });
    const client = await connectTls(proxy.port);
    expect((await client.send(GET).response()).status).toBe(502);
    const server = net.createServer((socket) => socket.on('data', () => socket.write(OK)));
    await new Promise<void>((resolve) => server.listen(gone.port, '127.0.0.1', resolve));
    for (let n = 0; n < 5; n++) expect((await client.send(GET).response()).status).toBe(200);
    client.socket.destroy();
    server.close();
  });

  it('goes on to another one after the time for connecting, too', async () => {
    const silent = await rawUpstream(() => {});
    const good = await httpUpstream((_, response) => response.end('good'));
    const hung: Upstream = { scheme: 'https', host: silent.host, port: silent.port };
    const proxy = await startProxy({
      routes: [inTurn([{ ...hung, timeouts: { connectMs: 100, responseMs: 1_000, idleMs: 1_000 } }, good])],
    });
    const client = await connectTls(proxy.port);
    expect((await client.send(POST).response()).body).toBe('good');
    expect(proxy.counters.values().upstreamErrors).toEqual({
      'route="example.test",kind="connect-timeout"': 1,
    });
  });
});

describe('a request whose upstream takes it and says nothing', () => {
  const RESPONSE_MS = 2_000;

  it('gets a 504, and the next ones go elsewhere', async () => {
    const silent = await httpUpstream(() => {});
    const good = await httpUpstream((_, response) => void response.end('good'));
    const proxy = await startProxy({
      routes: [inTurn([silent, good])],
      limits: { upstreamResponseMs: RESPONSE_MS },
    });
    const client = await connectTls(proxy.port);
    expect((await client.send(GET).response()).status).toBe(504);
    for (let n = 0; n < 4; n++) expect((await client.send(GET).response()).body).toBe('good');
    expect(proxy.counters.values().upstreamErrors).toEqual({
      'route="example.test",kind="response-timeout"': 1,
    });
  });

  it('leaves its upstream in the choice where that has answered others meanwhile: one page is slow', async () => {
    const asked: string[] = [];
    const slow = await httpUpstream(({ url }, response) => {
      asked.push(url ?? '');
      if (url !== '/slow') response.end('quick');
    });
    const good = await httpUpstream((_, response) => void response.end('good'));
    const proxy = await startProxy({
      routes: [inTurn([slow, good])],
      limits: { upstreamResponseMs: RESPONSE_MS },
    });
    const waiting = await connectTls(proxy.port);
    const slowAnswer = waiting.send(GET.replace('GET /', 'GET /slow')).response();
    await until(() => asked.length === 1);
    const client = await connectTls(proxy.port);
    const ask = async () => (await client.send(GET).response()).body;
    expect([await ask(), await ask()]).toEqual(['good', 'quick']);
    expect((await slowAnswer).status).toBe(504);
    expect([await ask(), await ask()]).toEqual(['good', 'quick']);
  });
});

describe('a request whose upstream hangs up', () => {
  it('goes to another one where asking twice does no harm', async () => {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']) {
      const hangs = await rawUpstream(({ socket }) => socket.destroy());
      const good = await rawUpstream(answering('HTTP/1.1 204 No Content\r\n\r\n'));
      const proxy = await startProxy({ routes: [inTurn([hangs, good])] });
      const client = await connectTls(proxy.port);
      expect((await client.send(request(method)).response(method)).status).toBe(204);
      expect([hangs.connections.length, good.connections.length]).toEqual([1, 1]);
    }
  });

  it.each([
    ['it has a body', POST, ''],
    ['it may not be repeated', request('POST'), ''],
    ['an answer had begun', GET, 'HTTP/1.1 200'],
  ])('stays where it is when %s', async (_, text, beginning) => {
    const hangs = await rawUpstream(({ socket }) => socket.end(beginning));
    const good = await rawUpstream(answering(OK));
    const proxy = await startProxy({ routes: [inTurn([hangs, good])] });
    const client = await connectTls(proxy.port);
    expect((await client.send(text).response()).status).toBe(502);
    expect(good.connections).toHaveLength(0);
    expect(proxy.counters.values().upstreamRetries).toEqual({});
  });

  it('leaves its upstream in the choice: whoever hangs up is there', async () => {
    const hangs = await rawUpstream(({ socket }) => socket.destroy());
    const good = await rawUpstream(answering(OK));
    const proxy = await startProxy({ routes: [inTurn([hangs, good])] });
    const client = await connectTls(proxy.port);
    for (let n = 0; n < 6; n++) expect((await client.send(GET).response()).status).toBe(200);
    expect(hangs.connections.length).toBeGreaterThanOrEqual(3);
  });
});

describe('upstreams that speak HTTP/2', () => {
  const overHttp2 = (upstream: Upstream): Upstream =>
    upstream.scheme === 'unix' ? upstream : { scheme: 'h2c', host: upstream.host, port: upstream.port };

  it('take over from each other, with the body, also from one that speaks HTTP/1.1', async () => {
    const good = await http2Upstream(echo);
    for (const gone of [overHttp2(await closedPort()), await closedPort()]) {
      const proxy = await startProxy({ routes: [inTurn([gone, good])] });
      const client = await connectTls(proxy.port);
      expect((await client.send(POST).response()).body).toBe('POST / abc');
      expect(proxy.counters.values().upstreamErrors).toEqual({
        'route="example.test",kind="refused"': 1,
      });
    }
  });

  it('hand on what may be asked twice when they hang up, and nothing else', async () => {
    for (const [text, status] of [
      [GET, 200],
      [POST, 502],
      [request('POST'), 502],
    ] as const) {
      const hangs = await http2Upstream((stream) => stream.session?.destroy());
      const good = await http2Upstream(echo);
      const proxy = await startProxy({ routes: [inTurn([hangs, good])] });
      const client = await connectTls(proxy.port);
      expect((await client.send(text).response()).status).toBe(status);
      expect(good.sessions).toHaveLength(status === 200 ? 1 : 0);
    }
  });
});

describe('a route with one upstream', () => {
  it('asks it each time, and once', async () => {
    const proxy = await startProxy({ routes: [route(await closedPort())] });
    const client = await connectTls(proxy.port);
    for (let n = 1; n <= 3; n++) {
      expect((await client.send(POST).response()).status).toBe(502);
      expect(proxy.counters.values().upstreamErrors).toEqual({ 'route="example.test",kind="refused"': n });
    }
    expect(proxy.counters.values().upstreamRetries).toEqual({});
  });
});

describe('least-connections', () => {
  it('keeps away from whoever is still answering', async () => {
    const waiting: (() => void)[] = [];
    const slow = await httpUpstream((_, response) => waiting.push(() => response.end('slow')));
    const fast = await httpUpstream((_, response) => response.end('fast'));
    const proxy = await startProxy({ routes: [inTurn([slow, fast], 'least-connections')] });
    const first = await connectTls(proxy.port);
    while (waiting.length === 0) {
      first.send(GET);
      await Promise.race([first.response(), until(() => waiting.length > 0)]);
    }
    const second = await connectTls(proxy.port);
    for (let n = 0; n < 5; n++) expect((await second.send(GET).response()).body).toBe('fast');
    waiting[0]?.();
    expect((await first.response()).body).toBe('slow');
    let slowly = 0;
    for (let n = 0; n < 40 && slowly === 0; n++) {
      second.send(GET);
      const answer = second.response();
      await Promise.race([answer, until(() => waiting.length > 1)]);
      waiting[1]?.();
      if ((await answer).body === 'slow') slowly += 1;
    }
    expect(slowly).toBe(1);
  });
});

describe('sticky', () => {
  const COOKIE = /^rigil_sticky=(token-\d); Path=\/; HttpOnly; SameSite=Lax; Secure$/;

  async function three() {
    const make = (id: number) => httpUpstream((_, response) => response.end(String(id)));
    const servers = await Promise.all([make(0), make(1), make(2)]);
    return { servers, proxy: await startProxy({ routes: [inTurn(servers, 'sticky')] }) };
  }

  it('gives a cookie that leads back to the same upstream, and gives it once', async () => {
    const { proxy } = await three();
    const client = await connectTls(proxy.port);
    const first = await client.send(GET).response();
    const token = COOKIE.exec(first.field('set-cookie') ?? '')?.[1];
    expect(token).toBe(`token-${first.body}`);
    for (let n = 0; n < 20; n++) {
      const next = await client
        .send(request('GET', `Cookie: a=b; rigil_sticky=${token}; c="d"\r\n`))
        .response();
      expect([next.body, next.field('set-cookie')]).toEqual([first.body, null]);
    }
    const session = await connectH2(proxy.port);
    const headers = { ':path': '/', ':authority': 'example.test', cookie: [`a=b`, `rigil_sticky=${token}`] };
    expect((await h2Response(session.request(headers as never))).body).toBe(first.body);
  });

  it('takes a cookie that it does not know for none', async () => {
    const { proxy } = await three();
    const client = await connectTls(proxy.port);
    for (const cookie of [
      'rigil_sticky=',
      'rigil_sticky=token-9',
      'rigil_sticky',
      'xrigil_sticky=token-1',
      '=;;=',
    ]) {
      const response = await client.send(request('GET', `Cookie: ${cookie}\r\n`)).response();
      expect(response.status).toBe(200);
      expect(response.field('set-cookie')).toMatch(COOKIE);
    }
  });

  it('falls to another upstream when its own is away, and stays with that one', async () => {
    const { servers, proxy } = await three();
    const [first] = servers;
    if (first === undefined) throw new Error('three are made');
    first.server.close();
    first.server.closeAllConnections();
    const client = await connectTls(proxy.port);
    const moved = await client.send(request('GET', 'Cookie: rigil_sticky=token-0\r\n')).response();
    expect(moved.body).toMatch(/^[12]$/);
    expect(moved.field('set-cookie')).toContain(`rigil_sticky=token-${moved.body};`);
    for (let n = 0; n < 5; n++) {
      const stays = request('GET', `Cookie: rigil_sticky=token-${moved.body}\r\n`);
      expect((await client.send(stays).response()).body).toBe(moved.body);
    }
    expect(proxy.counters.values().upstreamErrors).toEqual({ 'route="example.test",kind="refused"': 1 });
  });

  it('leaves the cookies of the upstream alone', async () => {
    const app = await httpUpstream((_, response) => {
      response.setHeader('Set-Cookie', ['a=1', 'b=2']);
      response.end();
    });
    const proxy = await startProxy({ routes: [inTurn([app, { ...app }], 'sticky')] });
    const session = await connectH2(proxy.port);
    const { headers } = await h2Response(session.request({ ':path': '/', ':authority': 'example.test' }));
    expect(headers['set-cookie']).toEqual(['a=1', 'b=2', expect.stringMatching(COOKIE)]);
  });
});
