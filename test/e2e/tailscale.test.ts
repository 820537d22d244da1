import { createPrivateKey } from 'node:crypto';
import { createServer } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { DAY } from '../certs/make.ts';
import { selfSigned } from '../certs/real-certificate.ts';
import { has } from '../peers.ts';
import { startTailscale, type TailscaleStandIn } from '../tailscale/stand-in.ts';
import { type Daemon, eventually, rigil, runProgram, startDaemon } from './daemon.ts';
import { startUpstream } from './upstream.ts';

// Whole programs on a machine that may be busy with others.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const NAME = 'box.tail1234.ts.net';
const ROUTE = (address: string) => `route app.localhost\n  upstream ${address}\n`;
const DEVICES = {
  '127.0.0.3': { login: 'alice@example.com', name: 'Alice Smith', picture: 'https://x/a.png' },
  '127.0.0.4': { login: 'tagged-devices', name: 'Tagged', tags: ['tag:ci'] },
};

/** Says what of `Tailscale-User-*` it got. */
function headersUpstream() {
  return startUpstream('app', ({ headers }, response) => {
    const fields = Object.entries(headers).filter(([name]) => name.startsWith('tailscale-'));
    response.end(JSON.stringify(Object.fromEntries(fields)));
  });
}

interface Ask {
  /** The client's address, and that of the server. */
  readonly from?: string;
  readonly to?: string;
  readonly scheme?: 'http' | 'https';
}

async function ask({ ports }: Daemon, { from = '127.0.0.3', to = '127.0.0.2', scheme = 'https' }: Ask = {}) {
  const port = scheme === 'https' ? ports.https : ports.http;
  const { stdout, code } = await runProgram('curl', [
    ...['-sSk', '--max-time', '20', '--interface', from, '--resolve', `app.localhost:${port}:${to}`],
    ...['-H', 'Tailscale-User-Login: root@evil', '-w', '\n%{http_code}'],
    `${scheme}://app.localhost:${port}/`,
  ]);
  const [body = '', status] = stdout.split('\n').slice(-2);
  return { code, status: Number(status), body };
}

const start = (tailscale: TailscaleStandIn, text: string, global = '') =>
  startDaemon(text, { global: `  tailscale ${tailscale.socket}\n${global}` });

describe.skipIf(!has('curl'))('a tailnet', () => {
  it('is listened on, and upstreams learn who asks', async () => {
    await using tailscale = await startTailscale({ devices: DEVICES });
    await using upstream = await headersUpstream();
    await using daemon = await start(tailscale, ROUTE(upstream.address));
    expect(JSON.parse((await ask(daemon)).body)).toEqual({
      'tailscale-user-login': 'alice@example.com',
      'tailscale-user-name': 'Alice Smith',
      'tailscale-user-profile-pic': 'https://x/a.png',
    });
    // A device with a tag, an unknown one, and a client that came another way.
    for (const way of [{ from: '127.0.0.4' }, { from: '127.0.0.5' }, { to: '127.0.0.1' }]) {
      expect(await ask(daemon, way)).toMatchObject({ status: 200, body: '{}' });
    }
    expect(await ask(daemon, { scheme: 'http' })).toMatchObject({ status: 308 });
    expect((await daemon.status()) as unknown).toMatchObject({ waited: { handshakes: 0, requests: 0 } });
  });

  it('is served without TLS where it is to be', async () => {
    await using tailscale = await startTailscale({ devices: DEVICES });
    await using upstream = await headersUpstream();
    await using daemon = await start(tailscale, ROUTE(upstream.address), '  tailscale-http serve\n');
    const { status, body } = await ask(daemon, { scheme: 'http' });
    expect([status, JSON.parse(body)['tailscale-user-login']]).toEqual([200, 'alice@example.com']);
    expect(await ask(daemon, { scheme: 'http', to: '127.0.0.1' })).toMatchObject({ status: 308 });
  });

  it('whose daemon is away keeps nobody from being served, and is there when it comes', async () => {
    await using tailscale = await startTailscale({ devices: DEVICES });
    await tailscale.stop();
    await using upstream = await headersUpstream();
    await using daemon = await start(tailscale, ROUTE(upstream.address));
    expect(await daemon.event('tailnet.lost')).toMatchObject({
      level: 'warn',
      code: 'tailscale-unreachable',
    });
    expect(await ask(daemon, { to: '127.0.0.1' })).toMatchObject({ status: 200, body: '{}' });
    await tailscale.start();
    await daemon.event('listener.opened', ({ address }) => address === `127.0.0.2:${daemon.ports.https}`);
    expect(await ask(daemon)).toMatchObject({ status: 200, body: expect.stringContaining('alice') });
    // It goes away again: what was found out stays, and requests go on without an identity.
    await tailscale.stop();
    expect(await ask(daemon, { from: '127.0.0.6' })).toMatchObject({ status: 200, body: '{}' });
  });

  it('that gives the machine another address is followed', async () => {
    await using tailscale = await startTailscale({ devices: DEVICES });
    await using upstream = await headersUpstream();
    await using daemon = await start(tailscale, ROUTE(upstream.address));
    tailscale.world.addresses = ['127.0.0.7'];
    await daemon.event('listener.opened', ({ address }) => address === `127.0.0.7:${daemon.ports.https}`);
    expect(await ask(daemon, { to: '127.0.0.7' })).toMatchObject({ body: expect.stringContaining('alice') });
    await eventually('the old address is given up', async () =>
      (await ask(daemon)).code === 0 ? undefined : true,
    );
  });

  it('with a port that somebody else has serves all else, and says so', async () => {
    await using tailscale = await startTailscale({ devices: DEVICES, addresses: ['127.0.0.2', '127.0.0.8'] });
    await using upstream = await headersUpstream();
    const other = createServer();
    await using daemon = await startDaemon(ROUTE(upstream.address));
    await new Promise<void>((done) => other.listen(daemon.ports.https, '127.0.0.2', done));
    const text = `  tailscale ${tailscale.socket}\n${ROUTE(upstream.address)}`;
    daemon.configure(`global\n${text}`);
    expect(await daemon.reload()).toMatchObject({ event: 'config.loaded' });
    const failed = await daemon.event('tailnet.listener.failed');
    expect(failed).toMatchObject({ address: `127.0.0.2:${daemon.ports.https}`, code: 'address-in-use' });
    await daemon.event('listener.opened', ({ address }) => address === `127.0.0.8:${daemon.ports.https}`);
    expect(await ask(daemon, { to: '127.0.0.8' })).toMatchObject({ body: expect.stringContaining('alice') });
    await new Promise((done) => other.close(done));
  });

  it('is left at a reload that turns it off', async () => {
    await using tailscale = await startTailscale({ devices: DEVICES });
    await using upstream = await headersUpstream();
    await using daemon = await startDaemon(
      `global\n  tailscale ${tailscale.socket}\n${ROUTE(upstream.address)}`,
    );
    expect(await ask(daemon)).toMatchObject({ body: expect.stringContaining('alice') });
    daemon.configure(ROUTE(upstream.address));
    expect(await daemon.reload()).toMatchObject({ event: 'config.loaded' });
    await eventually('the address is given up', async () =>
      (await ask(daemon)).code === 0 ? undefined : true,
    );
  });
});

describe('certificates of Tailscale', () => {
  /** A key and a chain as the daemon sends them, for 90 days from `notBefore`. */
  async function pair(notBefore: number): Promise<string> {
    const { chain, key } = await selfSigned([NAME], notBefore);
    return createPrivateKey(key).export({ type: 'sec1', format: 'pem' }).toString() + chain;
  }
  const config = (socket: string, address: string) =>
    `issuer tailnet\n  type tailscale\n  socket ${socket}\nroute ${NAME}\n  upstream ${address}\n`;

  it('are obtained by the daemon, shown, and renewed with a wish for a longer life', async () => {
    const fresh = await pair(Date.now());
    const asked: number[] = [];
    await using tailscale = await startTailscale({
      certDomains: [NAME],
      certificate: async (_name, minValidityMs) => {
        asked.push(minValidityMs);
        // The first one has less than a third of its life left: it is due at once.
        return asked.length === 1 ? pair(Date.now() - 61 * DAY) : fresh;
      },
    });
    await using upstream = await startUpstream('app');
    await using daemon = await startDaemon(config(tailscale.socket, upstream.address));
    expect((await daemon.status()).certificates).toContainEqual(
      expect.objectContaining({ id: NAME, issuer: 'tailnet', status: 'valid' }),
    );
    const { code, stderr } = await rigil(['certs', 'renew', NAME, '--force', '-c', daemon.configFile]);
    expect([code, stderr]).toMatchObject([0, expect.any(String)]);
    expect(asked).toHaveLength(2);
    expect(asked[0]).toBe(0);
    expect(asked[1]).toBeGreaterThan(28 * DAY);
    await daemon.event('certificate.adopted', ({ id }) => id === NAME);
  });

  it('that cannot be had are told with the way out, by the command, too', async () => {
    await using tailscale = await startTailscale({ certDomains: [NAME], permitCert: false });
    await using daemon = await startDaemon(config(tailscale.socket, '127.0.0.1:9'), { healthy: false });
    expect(await daemon.event('certificate.obtain.failed')).toMatchObject({
      code: 'tailscale-refused',
      hint: expect.stringContaining('TS_PERMIT_CERT_UID'),
    });
    const { code, stdout } = await rigil(['certs', 'obtain', '-c', daemon.configFile]);
    expect(code).toBe(1);
    expect(stdout).toContain('TS_PERMIT_CERT_UID');
  });
});
