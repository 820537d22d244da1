import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { has } from '../peers.ts';
import { startResponder, TestAuthority, type TestCertificate, type TestServer } from '../responder.ts';
import { freePort } from './look.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Runs the command from its source, in a process of its own. */
const PROGRAM = `
  const { default: OcspInspect } = await import('${ROOT}/src/commands/ocsp/inspect.ts');
  await OcspInspect.run(process.argv.slice(1), { root: '${ROOT}' });`;

describe.skipIf(!has('openssl'))('rigil ocsp inspect', () => {
  let authority: TestAuthority;
  let responder: TestServer;
  let leaf: TestCertificate;
  let revoked: TestCertificate;
  let bare: TestCertificate;

  beforeAll(async () => {
    authority = await TestAuthority.create();
    responder = await startResponder(authority);
    const access = `authorityInfoAccess=OCSP;URI:${responder.url}`;
    leaf = await authority.issue({ extensions: [access, 'subjectAltName=DNS:leaf.test,DNS:www.leaf.test'] });
    revoked = await authority.issue({ extensions: [access] });
    await authority.revoke(revoked);
    bare = await authority.issue({ extensions: ['crlDistributionPoints=URI:http://crl.test/1.crl'] });
  });
  afterAll(async () => {
    await responder?.[Symbol.asyncDispose]();
    await authority?.remove();
  });

  it('ends with 0 for a good answer and shows it', async () => {
    const { code, stdout, stderr } = await run(leaf.certFile, '--query', '--ca', authority.ca.certFile);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('CN=leaf.test');
    expect(stdout).toContain('leaf.test, www.leaf.test');
    expect(stdout).toMatch(/Answer of http:\S+: good, verified/);
    expect(stdout).toMatch(/UTC ░+ \d{4}-/);
    expect(stdout).toMatch(/6 d 23 h left|7 d left/);
    expect(stdout).toContain('O=Tests, CN=Test CA (the issuer itself)');
  });

  it('ends with 3 for a revoked certificate and says what to do', async () => {
    const { code, stdout } = await run(revoked.certFile, '--query', '--ca', authority.ca.certFile);
    expect(code).toBe(3);
    expect(stdout).toMatch(/: revoked, verified/);
    expect(stdout).toContain('error: the certificate was revoked 2025-11-01T00:00:00.000Z (keyCompromise)');
    expect(stdout).toContain('hint: replace the certificate');
  });

  it('ends with 0 for a certificate that names no responder, and shows where its revocation lists are', async () => {
    const { code, stdout } = await run(bare.certFile, '--query');
    expect(code).toBe(0);
    expect(stdout).toContain('names no OCSP responder');
    expect(stdout).toContain('http://crl.test/1.crl');
  });

  it('prints one JSON document, whatever happens', async () => {
    const good = await run(leaf.certFile, '--query', '--ca', authority.ca.certFile, '--json');
    expect(good.code).toBe(0);
    expect(JSON.parse(good.stdout)).toMatchObject({
      target: leaf.certFile,
      certificate: { subject: 'CN=leaf.test', mustStaple: false, responderUrl: `${responder.url}/` },
      staple: { present: false, status: null, thisUpdate: null, verified: false, problems: [] },
      query: { present: true, status: 'good', verified: true, problems: [] },
    });
    const bad = await run(revoked.certFile, '--query', '--ca', authority.ca.certFile, '--json');
    expect(bad.code).toBe(3);
    expect(JSON.parse(bad.stdout).query.problems).toMatchObject([{ code: 'certificate-revoked' }]);
    const broken = await run(`127.0.0.1:${await freePort()}`, '--json');
    expect(broken.code).toBe(1);
    expect(JSON.parse(broken.stdout)).toMatchObject({ error: { code: 'target-unreachable' } });
  });

  it('ends with 1 for what cannot be read and with 2 for what makes no sense', async () => {
    const text = join(authority.dir, 'notes.pem');
    await writeFile(text, 'notes');
    for (const [code, args] of [
      [1, [text]],
      [2, ['host:port']],
      [2, ['--nonsense', text]],
      [2, ['--hash', 'md5', text]],
      [2, []],
    ] as const) {
      const ended = await run(...args);
      expect(ended, args.join(' ')).toMatchObject({ code, stdout: '' });
      expect(ended.stderr).toMatch(/^error: .+\nhint: .+/);
    }
  });
});

function run(...args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const env = { ...process.env, NO_COLOR: '1', RIGIL_CONFIG: join(ROOT, 'nowhere.conf') };
  const options = ['--input-type=module', '--no-warnings', '-e', PROGRAM, '--'];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [...options, ...args], { env }, (_, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr });
    });
  });
}
