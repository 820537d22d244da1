import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Revocation } from '../../src/app/revoke-certificate.ts';
import type { CertificateDetails } from '../../src/app/show-certificate.ts';
import { has } from '../peers.ts';
import { type Daemon, eventually, freePorts, rigil, runProgram, startDaemon } from './daemon.ts';
import { startUpstream, type Upstream } from './upstream.ts';

describe.skipIf(!has('openssl') || !has('curl'))('the responder of the local CA', { timeout: 60_000 }, () => {
  let daemon: Daemon;
  let upstream: Upstream;
  let ports: readonly number[];

  beforeAll(async () => {
    upstream = await startUpstream('one');
    ports = await freePorts(2);
    daemon = await startDaemon(configured(ports[0]), { workers: 1 });
  }, 60_000);
  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
    await upstream?.[Symbol.asyncDispose]();
  });

  it('lets the daemon staple its own certificates', async () => {
    await daemon.event('staple.refreshed', ({ id }) => id === 'one.localhost');
    await eventually('a staple', async () => (await curl('--cert-status')).code === 0 || undefined);
    const { responderUrl, ocsp } = await details();
    expect({ responderUrl, ocsp }).toMatchObject({
      responderUrl: `http://127.0.0.1:${ports[0]}/`,
      ocsp: { status: 'good' },
    });
  });

  it('satisfies openssl and ocsp inspect --query', async () => {
    expect(await statusOf(await details())).toBe('good');
    const { code, stdout } = await rigil([
      ...['ocsp', 'inspect', `localhost:${daemon.ports.https}`, '--servername', 'one.localhost'],
      ...['--query', '--ca', daemon.root, '--json', '-c', daemon.configFile],
    ]);
    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      { staple: { status: 'good', verified: true }, query: { status: 'good', verified: true, problems: [] } },
    ]);
  });

  it('says what certs revoke did, and the daemon serves the replacement', async () => {
    const before = await details();
    const { code, stdout } = await rigil([
      ...['certs', 'revoke', 'one.localhost', '--reason', 'superseded', '--json', '-c', daemon.configFile],
    ]);
    expect([code, JSON.parse(stdout) as Revocation]).toMatchObject([
      0,
      { revoked: { serial: before.serial }, replacement: { renewed: [{ id: 'one.localhost' }] } },
    ]);
    expect(await statusOf(before)).toBe('revoked');
    const after = await details();
    expect(await statusOf(after)).toBe('good');
    await eventually('the replacement', async () => (await shownSerial()) === after.serial || undefined);
    await eventually('its staple', async () => (await curl('--cert-status')).code === 0 || undefined);
  });

  it('moves with a reload, and stays when the new address cannot be had', async () => {
    daemon.configure(configured(daemon.ports.admin));
    expect(await daemon.reload()).toMatchObject({ event: 'config.rejected' });
    expect((await fetch(`http://127.0.0.1:${ports[0]}/root.crt`)).status).toBe(200);
    daemon.configure(configured(ports[1]));
    expect(await daemon.reload()).toMatchObject({ event: 'config.loaded' });
    expect((await fetch(`http://127.0.0.1:${ports[1]}/root.crt`)).status).toBe(200);
    await expect(fetch(`http://127.0.0.1:${ports[0]}/root.crt`)).rejects.toThrow();
  });

  function configured(port: number | undefined): string {
    return `issuer internal
  type internal
  ocsp 127.0.0.1:${port}
route one.localhost
  upstream ${upstream.address}
`;
  }

  function curl(...options: readonly string[]) {
    const { https } = daemon.ports;
    return runProgram('curl', [
      ...['-sS', '--max-time', '20', '--cacert', daemon.root],
      ...['--resolve', `one.localhost:${https}:127.0.0.1`, ...options, `https://one.localhost:${https}/`],
    ]);
  }

  async function details(): Promise<CertificateDetails> {
    const { stdout } = await rigil(['certs', 'show', 'one.localhost', '--json', '-c', daemon.configFile]);
    return JSON.parse(stdout) as CertificateDetails;
  }

  /** What openssl understands of the responder's answer about a serial number. */
  async function statusOf({ serial }: CertificateDetails): Promise<string | undefined> {
    const { stdout, stderr } = await runProgram('openssl', [
      ...['ocsp', '-issuer', daemon.root, '-CAfile', daemon.root, '-serial', `0x${serial}`],
      ...['-url', `http://127.0.0.1:${ports[0]}/`],
    ]);
    expect(stderr.trim()).toBe('Response verify OK');
    return /^0x[0-9A-F]+: (\w+)$/m.exec(stdout)?.[1];
  }

  async function shownSerial(): Promise<string | undefined> {
    const address = `127.0.0.1:${daemon.ports.https}`;
    const { stdout: shown } = await runProgram('openssl', [
      ...['s_client', '-connect', address, '-servername', 'one.localhost'],
    ]);
    const { stdout } = await runProgram('openssl', ['x509', '-noout', '-serial'], { input: shown });
    return /serial=(\w+)/.exec(stdout)?.[1];
  }
});
