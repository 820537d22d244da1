import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { has } from '../peers.ts';
import { type PrivateCa, privateCa } from '../private-ca.ts';
import { type Daemon, eventually, freePorts, rigil, runProgram, startDaemon } from './daemon.ts';
import { type Nginx, startNginx } from './nginx.ts';

/** nginx with certificates of a private CA, asked through the whole program. */
describe.skipIf(!has('nginx') || !has('curl'))('an upstream with TLS', () => {
  let daemon: Daemon;
  let nginx: Nginx;
  let ca: PrivateCa;
  let stranger: PrivateCa;
  let routes: string;

  beforeAll(async () => {
    [ca, stranger] = await Promise.all([privateCa('Corp'), privateCa('Stranger')]);
    const certificates = {
      good: await ca.issue(['localhost']),
      misnamed: await ca.issue(['app.internal']),
      expired: await ca.issue(['localhost'], { expired: true }),
      client: await ca.issue(['rigil.internal']),
    };
    const names = ['good', 'misnamed', 'expired', 'guarded'] as const;
    const ports = await freePorts(names.length);
    const port = Object.fromEntries(names.map((name, at) => [name, ports[at] ?? 0]));
    const server = (name: string, certificate: string, more = '') => `server {
      listen 127.0.0.1:${port[name]} ssl; ssl_certificate ${certificate}.pem; ssl_certificate_key ${certificate}.key; ${more}
      location / { return 200 "${name} $ssl_server_name $ssl_client_s_dn $ssl_session_reused"; } }`;
    const files = Object.entries(certificates).flatMap(([name, { cert, key }]) => [
      [`${name}.pem`, cert],
      [`${name}.key`, key],
    ]);
    nginx = await startNginx(
      [
        server('good', 'good'),
        server('misnamed', 'misnamed'),
        server('expired', 'expired'),
        server('guarded', 'good', 'ssl_client_certificate ca.pem; ssl_verify_client on;'),
      ].join('\n'),
      port['good'] ?? 0,
      { ...Object.fromEntries(files), 'ca.pem': ca.root },
    );
    routes = `
route good.localhost
  upstream https://localhost:${port['good']} ca=ca.pem
route system.localhost
  upstream https://localhost:${port['good']}
route misnamed.localhost
  upstream https://localhost:${port['misnamed']} ca=ca.pem
route named.localhost
  upstream https://localhost:${port['misnamed']} ca=ca.pem servername=app.internal
route expired.localhost
  upstream https://localhost:${port['expired']} ca=ca.pem
route insecure.localhost
  upstream https://localhost:${port['expired']} insecure
route stranger.localhost
  upstream https://localhost:${port['good']} ca=stranger.pem
route anonymous.localhost
  upstream https://localhost:${port['guarded']} ca=ca.pem
route known.localhost
  upstream https://localhost:${port['guarded']} ca=ca.pem cert=client.pem key=client.key`;
    daemon = await startDaemon('route first.localhost\nupstream localhost:1');
    const { cert, key } = certificates.client;
    const ours = { 'ca.pem': ca.root, 'stranger.pem': stranger.root, 'client.pem': cert, 'client.key': key };
    for (const [name, text] of Object.entries(ours)) writeFileSync(join(daemon.folder, name), text);
    daemon.configure(routes);
    expect((await daemon.reload()).event).toBe('config.loaded');
    await eventually('the certificates', async () => {
      const { certificates } = await daemon.status();
      return certificates.filter(({ status }) => status === 'valid').length >= 10 || undefined;
    });
  }, 60_000);

  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
    await nginx?.[Symbol.asyncDispose]();
  });

  async function ask(host: string, { ports, root }: Daemon = daemon): Promise<string> {
    const url = `https://${host}.localhost:${ports.https}/`;
    const args = ['-sS', '--cacert', root];
    const resolve = ['--resolve', `${host}.localhost:${ports.https}:127.0.0.1`];
    const { stdout, stderr } = await runProgram('curl', [...args, ...resolve, '-w', ' %{http_code}', url]);
    return `${stdout}${stderr}`;
  }

  it('is asked when a CA that is named vouches for it', async () => {
    expect(await ask('good')).toMatch(/^good localhost {2}[.r] 200$/);
  });

  it.each([
    ['system', 'ca=FILE'],
    ['misnamed', 'app.internal'],
    ['expired', 'expired'],
  ])('is not asked otherwise, and the log says why: %s', async (host, why) => {
    expect(await ask(host)).toMatch(/Bad Gateway[\s\S]* 502$/);
    const failed = await daemon.event('upstream.failed', ({ route }) => route === `${host}.localhost`);
    expect(failed).toMatchObject({ kind: 'tls' });
    expect(failed['message']).toContain(why);
  });

  it('is not asked when only another CA is trusted', async () => {
    expect(await ask('good')).toMatch(/ 200$/);
    expect(await ask('stranger')).toMatch(/ 502$/);
    expect(await daemon.metrics()).toContain(
      'rigil_upstream_errors_total{route="stranger.localhost",kind="tls"} 1\n',
    );
  });

  it('may have another name than its host', async () => {
    expect(await ask('named')).toMatch(/^misnamed app.internal {2}[.r] 200$/);
  });

  it('is believed without any proof only where that is written, with a warning', async () => {
    expect(await ask('insecure')).toMatch(/^expired localhost {2}[.r] 200$/);
    await daemon.event('config.warning', ({ problem }) => String(problem).includes('not verified'));
    const { code, stdout } = await rigil(['config', 'check', '-c', daemon.configFile, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).diagnostics).toMatchObject([
      { code: 'unverified-upstream', severity: 'warning' },
    ]);
  });

  it('is shown a certificate where it wants one, and the key stays here', async () => {
    expect(await ask('anonymous')).toMatch(/400 No required SSL certificate[\s\S]* 400$/);
    expect(await ask('known')).toMatch(/^guarded localhost CN=rigil.internal [.r] 200$/);
    const shown = await Promise.all([
      rigil(['config', 'show', '-c', daemon.configFile]),
      rigil(['config', 'show', '-c', daemon.configFile, '--json']),
      rigil(['status', '-c', daemon.configFile, '--json']),
    ]);
    for (const { code, stdout } of shown) {
      expect(code).toBe(0);
      expect(stdout).not.toMatch(/BEGIN|PRIVATE/);
    }
    expect(shown[0]?.stdout).toContain(`cert=${daemon.folder}/client.pem key=${daemon.folder}/client.key`);
    expect(JSON.stringify(daemon.events())).not.toContain('PRIVATE');
  }, 60_000);

  it('is trusted anew with each reload, and a bad file changes nothing', async () => {
    const file = join(daemon.folder, 'ca.pem');
    writeFileSync(file, 'no certificate any more');
    const refused = await daemon.reload();
    expect(refused).toMatchObject({ event: 'config.rejected' });
    expect(JSON.stringify(refused['problems'])).toMatch(
      /rigil.conf:11:36: error: .*ca.pem.* holds no certificate in PEM/,
    );
    expect(await ask('good')).toMatch(/ 200$/);
    writeFileSync(file, stranger.root);
    expect((await daemon.reload()).event).toBe('config.loaded');
    expect(await ask('good')).toMatch(/ 502$/);
    writeFileSync(file, stranger.root + ca.root);
    expect((await daemon.reload()).event).toBe('config.loaded');
    expect(await ask('good')).toMatch(/ 200$/);
  }, 60_000);

  it('may be trusted by the whole machine', async () => {
    const roots = join(daemon.folder, 'system.pem');
    writeFileSync(roots, ca.root);
    const system = /route system[\s\S]*?(?=route)/.exec(routes)?.[0] ?? '';
    await using trusting = await startDaemon(system, { env: { SSL_CERT_FILE: roots }, workers: 1 });
    expect(await ask('system', trusting)).toMatch(/^good localhost {2}[.r] 200$/);
  }, 60_000);
});
