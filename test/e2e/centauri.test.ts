import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { connect as connectTls, type PeerCertificate } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { has } from '../peers.ts';
import { type Daemon, eventually, freePorts, runProgram, startDaemon } from './daemon.ts';
import { startUpstream, type Upstream } from './upstream.ts';

/** What Centauri 2.8 does with a route file, over the whole program. Where rigil differs on purpose the case says so. */
describe.skipIf(!has('curl'))("Centauri's directives", () => {
  let daemon: Daemon;
  let app: Upstream;
  let other: Upstream;
  let pages: Upstream;

  beforeAll(async () => {
    app = await startUpstream('app', (request, response) => {
      const status = Number(/^\/status\/(\d+)/.exec(request.url ?? '')?.[1] ?? 200);
      response.writeHead(status, {
        'set-cookie': 'app=1',
        'www-authenticate': 'Basic',
        'x-app': 'yes',
        'x-empty': '',
      });
      response.end(JSON.stringify({ url: request.url, headers: request.headers }));
    });
    other = await startUpstream('other');
    pages = await startUpstream('pages', (request, response) => {
      response.setHeader('x-page', 'yes');
      response.end(
        `page ${request.url} for ${request.headers['x-forwarded-host']}, cookie ${request.headers.cookie}`,
      );
    });
    const [dead] = await freePorts(1);
    daemon = await startDaemon(
      `
# a comment of its own
#and one that Centauri would not take
Route Main.localhost www.main.localhost
\tUpstream ${app.address}
\tredirect-to-primary
\theader add X-Rule one
\theader add X-Rule two
\theader replace X-App replaced
\theader default X-Default there
\theader default X-App not-this
\theader default X-Empty filled
\theader delete Server
\ton_error 404 ${pages.address}/not-found.html?from=404
\ton_error 404 ${pages.address}/second.html
\ton_error 500 ${pages.address}
\ton_error 501 127.0.0.1:${dead}

route fallback.localhost
  upstream ${other.address}
  fallback

route named.localhost
  upstream ${other.address}
  subject first.localhost named.localhost
  subject third.localhost

route signed.localhost
  upstream ${other.address}
  provider selfsigned

route a.wild.localhost
  upstream ${other.address}
route wild.localhost b.wild.localhost
  upstream ${other.address}

route gone.localhost
  upstream 127.0.0.1:${dead}
  on_error 502 ${pages.address}/away.html
  header add X-Rule gone
route bare.localhost
  upstream 127.0.0.1:${dead}
  header add X-Rule bare

route twice.localhost
  upstream 127.0.0.1:${dead}
route TWICE.localhost
  upstream ${other.address}
`,
      { global: '  wildcard-domains wild.localhost\n  trusted-proxies 127.0.0.1' },
    );
  });
  afterAll(async () => {
    for (const each of [daemon, app, other, pages]) await each?.[Symbol.asyncDispose]();
  });

  async function ask(name: string, path = '/', ...args: string[]) {
    const { stdout, stderr } = await runProgram('curl', [
      '-sS',
      '-i',
      '--max-time',
      '20',
      '--http1.1',
      '--cacert',
      daemon.root,
      '--resolve',
      `*:${daemon.ports.https}:127.0.0.1`,
      ...args,
      `https://${name}:${daemon.ports.https}${path}`,
    ]);
    const [head = '', ...body] = stdout.split('\r\n\r\n');
    const fields = (name: string) =>
      [...head.matchAll(new RegExp(`^${name}: ?(.*?)\\r?$`, 'gim'))].map((match) => match[1]);
    return { status: Number(head.split(' ')[1]), fields, body: body.join('\r\n\r\n'), stderr };
  }

  /** The certificate that is shown for a name. */
  async function certificate(servername: string): Promise<PeerCertificate> {
    return new Promise((done, failed) => {
      const socket = connectTls(
        { host: '127.0.0.1', port: daemon.ports.https, servername, rejectUnauthorized: false },
        () => {
          done(socket.getPeerCertificate());
          socket.destroy();
        },
      );
      socket.once('error', failed);
    });
  }
  const namesOf = async (servername: string) => (await certificate(servername)).subjectaltname?.split(', ');

  describe('fallback', () => {
    it('takes hosts that no route has, with its own certificate', async () => {
      expect(await namesOf('stranger.example')).toEqual(['DNS:fallback.localhost']);
      expect(await namesOf('')).toEqual(['DNS:fallback.localhost']);
      expect(await ask('stranger.example', '/x', '-k')).toMatchObject({ status: 200, body: 'other /x\n' });
    });

    it('takes an unknown Host after a known name', async () => {
      expect(await ask('main.localhost', '/', '-H', 'Host: stranger.example')).toMatchObject({
        body: 'other /\n',
      });
    });
  });

  it('subject names what is in the certificate', async () => {
    const expected = ['DNS:first.localhost', 'DNS:named.localhost', 'DNS:third.localhost'];
    expect((await namesOf('named.localhost'))?.sort()).toEqual(expected);
    expect(await ask('named.localhost')).toMatchObject({ status: 200 });
  });

  it('provider selfsigned is the local CA, which clients can trust (unlike a self-signed certificate)', async () => {
    expect(await ask('signed.localhost')).toMatchObject({ status: 200, body: 'other /\n' });
    const { certificates } = await daemon.status();
    expect(certificates).toContainEqual(
      expect.objectContaining({ id: 'signed.localhost', issuer: 'internal' }),
    );
  });

  it('wildcard-domains covers one level, and not the domain itself', async () => {
    expect(await namesOf('a.wild.localhost')).toEqual(['DNS:*.wild.localhost']);
    expect((await namesOf('b.wild.localhost'))?.sort()).toEqual([
      'DNS:*.wild.localhost',
      'DNS:wild.localhost',
    ]);
    expect(await ask('a.wild.localhost')).toMatchObject({ status: 200 });
    expect(await ask('b.wild.localhost')).toMatchObject({ status: 200 });
  });

  it('the later one of two routes with a name has it, and a warning says so', async () => {
    expect(await ask('twice.localhost')).toMatchObject({ status: 200, body: 'other /\n' });
    expect(JSON.stringify(daemon.events().filter(({ event }) => event === 'config.warning'))).toContain(
      'twice',
    );
  });

  describe('on_error', () => {
    it('keeps the status, has path and query of its own, and the first for a status counts', async () => {
      const { status, fields, body } = await ask('main.localhost', '/status/404', '-H', 'Cookie: mine=1');
      expect([status, body]).toEqual([
        404,
        `page /not-found.html?from=404 for main.localhost:${daemon.ports.https}, cookie undefined`,
      ]);
      expect([fields('x-page'), fields('set-cookie'), fields('www-authenticate')]).toEqual([['yes'], [], []]);
      expect(fields('x-rule')).toEqual(['one', 'two']);
    });

    it('without a path asks for that of the request', async () => {
      const { status, body } = await ask('main.localhost', '/status/500?q=1');
      expect([status, body.split(' for ')[0]]).toEqual([500, 'page /status/500?q=1']);
    });

    it('leaves the response alone when the page cannot be had, or for another status', async () => {
      for (const code of [501, 503]) {
        const { status, body, fields } = await ask('main.localhost', `/status/${code}`);
        expect([status, JSON.parse(body).url, fields('set-cookie')]).toEqual([
          code,
          `/status/${code}`,
          ['app=1'],
        ]);
      }
    });

    it('502 stands for an upstream that is away', async () => {
      const { status, body, fields } = await ask('gone.localhost', '/x');
      expect([status, body.split(' for ')[0], fields('x-rule')]).toEqual([502, 'page /away.html', ['gone']]);
    });

    it('not there: a page of its own, with the header rules', async () => {
      const { status, body, fields } = await ask('bare.localhost');
      expect([status, fields('x-rule')]).toEqual([502, ['bare']]);
      expect(body).toContain('<title>502 Bad Gateway</title>');
      expect(body).toContain('<h1>Bad Gateway</h1>');
      expect(body).toContain('The server was unable to complete your request. Please try again later.');
    });
  });

  describe('header', () => {
    it('rules apply in file order; default fills what is absent or empty', async () => {
      const { fields } = await ask('main.localhost');
      expect(fields('x-rule')).toEqual(['one', 'two']);
      expect([fields('x-app'), fields('x-default'), fields('x-empty')]).toEqual([
        ['replaced'],
        ['there'],
        ['filled'],
      ]);
    });

    it('rules apply to an upgrade', async () => {
      const socket = new WebSocket(`wss://127.0.0.1:${daemon.ports.https}/`, {
        ca: readFileSync(daemon.root),
        servername: 'main.localhost',
        headers: { host: 'main.localhost' },
      } as ConstructorParameters<typeof WebSocket>[2]);
      const response = await new Promise<{ headers: Record<string, unknown> }>((done, failed) => {
        socket.once('upgrade', done);
        socket.once('error', failed);
      });
      socket.terminate();
      expect(response.headers).toMatchObject({ 'x-rule': 'one, two', 'x-default': 'there' });
    });

    it('rules never apply to a redirect', async () => {
      const { status, fields } = await ask('www.main.localhost', '/p?q');
      expect([status, fields('x-rule'), fields('x-default')]).toEqual([308, [], []]);
    });
  });

  describe('redirect-to-primary', () => {
    it('leads to the first name, with path and query', async () => {
      const { status, fields } = await ask('www.main.localhost', '/a%2Fb?c=%3B;d');
      expect(status).toBe(308);
      expect(fields('location')[0]?.toLowerCase()).toBe(
        `https://main.localhost:${daemon.ports.https}/a%2fb?c=%3b;d`,
      );
    });

    it('does not go in a circle for a first name in upper case', async () => {
      for (const host of ['main.localhost', 'Main.localhost', 'MAIN.LOCALHOST']) {
        expect(await ask('main.localhost', '/', '-H', `Host: ${host}`)).toMatchObject({ status: 200 });
      }
    });
  });

  it('plain HTTP on the TLS port gets 400', async () => {
    const answer = await new Promise<string>((done, failed) => {
      let text = '';
      const socket = connect(daemon.ports.https, '127.0.0.1', () => {
        socket.write('GET / HTTP/1.1\r\nHost: main.localhost\r\n\r\n');
      });
      socket.on('data', (data) => {
        text += data;
      });
      socket.once('close', () => done(text));
      socket.once('error', failed);
    });
    expect(answer).toMatch(/^HTTP\/1\.[01] 400 /);
    expect(answer).toMatch(/\r\n\r\nClient sent an HTTP request to an HTTPS server\.\n$/);
  });

  describe('a trusted proxy in front', () => {
    const headers = async (...args: string[]) =>
      JSON.parse((await ask('main.localhost', '/', ...args)).body).headers;

    it('is believed about the client, header by header', async () => {
      expect(
        await headers(
          '-H',
          'X-Forwarded-For: 203.0.113.9',
          '-H',
          'X-Forwarded-For: 198.51.100.2',
          '-H',
          'X-Forwarded-Proto: http',
        ),
      ).toMatchObject({
        // Centauri keeps the first of two lines only.
        'x-forwarded-for': '203.0.113.9, 198.51.100.2, 127.0.0.1',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': `main.localhost:${daemon.ports.https}`,
      });
    });

    it('is not believed about what only the proxy itself may say', async () => {
      const seen = await headers(
        '-H',
        'X-Real-IP: 1.2.3.4',
        '-H',
        'True-Client-IP: 1.2.3.4',
        '-H',
        'Forwarded: for=1.2.3.4',
        '-H',
        'Tailscale-User-Login: me@x',
      );
      expect(JSON.stringify(seen)).not.toMatch(/1\.2\.3\.4|me@x/);
    });

    it('passes other fields and the query on as they are', async () => {
      const { body } = await ask('main.localhost', '/a?x=1;y=%zz&z', '-H', 'X-Forwarded-Port: 444');
      expect(JSON.parse(body)).toMatchObject({
        url: '/a?x=1;y=%zz&z',
        headers: { 'x-forwarded-port': '444' },
      });
    });
  });
});

describe('a CA that is away at the start', () => {
  it('keeps nobody from being served', async () => {
    await using upstream = await startUpstream('app');
    const [dead] = await freePorts(1);
    await using daemon = await startDaemon(
      `issuer ca\n  directory http://127.0.0.1:${dead}/dir\n  challenge http-01\nroute one.localhost\n  upstream ${upstream.address}\nroute two.localhost\n  upstream ${upstream.address}\n  provider ca\n`,
      { healthy: false },
    );
    await daemon.event('certificate.obtain.failed', (line) => line['id'] === 'two.localhost');
    await eventually('one.localhost in service', async () => {
      const { certificates } = await daemon.status();
      return certificates.some(({ id, status }) => id === 'one.localhost' && status === 'valid') || undefined;
    });
    // Centauri would show a self-signed one: here a name waits for the issuer that it is to have.
    const { certificates } = await daemon.status();
    expect(certificates).toContainEqual(expect.objectContaining({ id: 'two.localhost', status: 'missing' }));
  });
});
