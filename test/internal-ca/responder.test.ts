import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Certificate } from '../../src/certs/certificate.ts';
import { toCertificate } from '../../src/certs/facts.ts';
import type { Event } from '../../src/events/event.ts';
import { makeRoot } from '../../src/internal-ca/authority.ts';
import { InternalCa, type InternalCaOptions } from '../../src/internal-ca/internal-ca.ts';
import { Responder } from '../../src/internal-ca/responder.ts';
import { certIdOf } from '../../src/ocsp/cert-id.ts';
import { readCertificate, readCertificates } from '../../src/ocsp/certificate.ts';
import { buildRequest } from '../../src/ocsp/request.ts';
import { parseResponse } from '../../src/ocsp/response.ts';
import { fetchStaple } from '../../src/ocsp/staple.ts';
import { verifyResponse } from '../../src/ocsp/verify.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { systemFetch } from '../../src/platform/fetch.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { FileStore } from '../../src/store/file-store.ts';
import { FakeClock } from '../certs/fake-clock.ts';
import { DAY } from '../certs/make.ts';
import { runProgram } from '../e2e/daemon.ts';
import { has } from '../peers.ts';
import { openssl } from '../responder.ts';

const never = new AbortController().signal;
const CODES = { malformedRequest: 'malformed-request', unauthorized: 'unauthorized', tryLater: 'try-later' };

let directory: string;
let store: FileStore;
let events: Event[];
let authority: InternalCa;
let responder: Responder;
let url: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rigil-responder-'));
  store = new FileStore({ directory, clock: systemClock, emit: () => {} });
  events = [];
  responder = new Responder(() => authority);
  await responder.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${responder.port}/`;
  authority = ca();
});
afterEach(async () => {
  await responder.close();
  await rm(directory, { recursive: true });
});

describe.skipIf(!has('openssl'))('openssl ocsp', () => {
  it.each([
    ['SHA-1', []],
    ['SHA-256', ['-sha256']],
    ['no nonce', ['-no_nonce']],
  ] as const)('accepts the answer that a certificate is good (%s)', async (_, flags) => {
    expect(await ask(await issue('a.test'), flags)).toMatch(/^leaf\.pem: good$/m);
  });

  it('accepts the answer that a certificate is revoked, with time and reason', async () => {
    const certificate = await issue('a.test');
    await authority.revoke(certificate, 4, never);
    const said = await ask(certificate);
    expect(said).toMatch(/^leaf\.pem: revoked$/m);
    expect(said).toMatch(/Reason: superseded/);
  });

  it('accepts the answer that a certificate is unknown', async () => {
    const silent = ca({ responderUrl: null });
    expect(await ask(await issue('a.test', silent))).toMatch(/^leaf\.pem: unknown$/m);
  });

  it('accepts one answer about several certificates', async () => {
    const [first, second] = [await issue('a.test'), await issue('b.test')];
    await authority.revoke(second, 1, never);
    await writeFile(join(directory, 'second.pem'), second.chain);
    const said = await ask(first, [], ['-cert', 'second.pem']);
    expect(said).toMatch(/^leaf\.pem: good$/m);
    expect(said).toMatch(/^second\.pem: revoked$/m);
  });

  it('accepts answers of a root that was made with another kind of key', async () => {
    const folder = join(directory, 'authorities/internal');
    await issue('a.test');
    for (const key of ['rsa:2048', 'ec:P-384']) {
      const parameters =
        key === 'rsa:2048' ? ['-newkey', key] : ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp384r1'];
      await openssl(
        ['req', '-x509', ...parameters, '-nodes', '-subj', '/CN=own root', '-days', '30'].concat([
          ...['-addext', 'keyUsage=critical,keyCertSign'],
          ...['-keyout', 'root.key', '-out', 'root.pem'],
        ]),
        folder,
      );
      expect(await ask(await issue('b.test')), key).toMatch(/^leaf\.pem: good$/m);
    }
  });

  async function ask(
    { chain }: Certificate,
    flags: readonly string[] = [],
    more: readonly string[] = [],
  ): Promise<string> {
    await writeFile(join(directory, 'leaf.pem'), chain);
    const root = join(directory, 'authorities/internal/root.pem');
    const { stdout, stderr } = await runProgram(
      'openssl',
      ['ocsp', '-issuer', root, '-CAfile', root, ...flags, '-cert', 'leaf.pem', ...more, '-url', url],
      { cwd: directory },
    );
    expect(stderr.trim()).toBe('Response verify OK');
    return stdout;
  }
});

describe('the responder of a local CA', () => {
  it('is what new certificates name, and lets them be stapled without a word from elsewhere', async () => {
    const certificate = await issue('a.test');
    expect(certificate.facts.responderUrl).toBe(url);
    const ports = { fetch: systemFetch, clock: systemClock };
    expect(await fetchStaple(certificate.chain, ports, never)).toMatchObject({
      status: 'good',
      cachedUntil: expect.any(Number),
    });
  });

  it('is found for a leaf alone, since that says where the root is', async () => {
    const { chain } = await issue('a.test');
    const [leaf = ''] = chain.split(/(?<=-----END CERTIFICATE-----\n)/);
    expect(chain.split('-----BEGIN CERTIFICATE-----')).toHaveLength(3);
    const ports = { fetch: systemFetch, clock: systemClock };
    expect(await fetchStaple(leaf, ports, never)).toMatchObject({ status: 'good' });
  });

  it('answers by POST and by GET, escaped or not, and lets only GET be cached', async () => {
    const request = await requestFor(await issue('a.test'));
    const base64 = Buffer.from(request).toString('base64');
    const answers = [
      await post(request),
      await fetch(url + encodeURIComponent(base64)),
      await fetch(url + base64),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe('application/ocsp-response');
      expect(parseResponse(new Uint8Array(await answer.arrayBuffer()))).toMatchObject({
        answers: [{ status: 'good' }],
      });
    }
    expect(answers.map(({ headers }) => headers.get('cache-control'))).toEqual([
      'no-store',
      'max-age=3600, public',
      'max-age=3600, public',
    ]);
  });

  it('gives an answer for a day that fits the question, with its nonce', async () => {
    const certificate = await issue('a.test');
    const nonce = systemRandom.bytes(32);
    const [leaf, root] = await parsed(certificate);
    const verdict = verifyResponse(
      await body(await post(await requestFor(certificate, nonce))),
      { certificate: leaf, issuer: root, nonce },
      systemClock.now(),
    );
    expect(verdict).toMatchObject({ verified: true, status: 'good', problems: [] });
    expect((verdict.nextUpdate ?? 0) - (verdict.thisUpdate ?? 0)).toBe(DAY);
  });

  it('says revoked from the moment that it is, also in another process, and keeps to the first reason', async () => {
    const certificate = await issue('a.test');
    await ca().revoke(certificate, 1, never);
    await ca().revoke(certificate, 4, never);
    expect(parseResponse(await body(await post(await requestFor(certificate))))).toMatchObject({
      answers: [{ status: 'revoked', revocation: { reason: 'keyCompromise' } }],
    });
  });

  it('is not responsible for the certificates of others', async () => {
    const { certificate } = await makeRoot(systemClock.now(), systemRandom);
    const [stranger] = readCertificates(Buffer.from(certificate));
    await issue('a.test');
    if (stranger === undefined) throw new Error('no root');
    const request = buildRequest(certIdOf(stranger, stranger, 'sha1'), null);
    expect(await refusalOf(await post(request))).toBe(CODES.unauthorized);
  });

  it('does not make a root because somebody asks', async () => {
    const request = await requestFor(await issue('a.test'));
    await rm(join(directory, 'authorities'), { recursive: true });
    expect(await refusalOf(await post(request))).toBe(CODES.unauthorized);
    expect((await fetch(`${url}root.crt`)).status).toBe(404);
  });

  it('refuses what is no request', async () => {
    await issue('a.test');
    for (const bytes of ['', 'x', '\x30\x00', '\x30\x80', '\x30\x02\x30\x00']) {
      expect(await refusalOf(await post(Buffer.from(bytes, 'latin1')))).toBe(CODES.malformedRequest);
    }
    expect(await refusalOf(await fetch(`${url}abcd`))).toBe(CODES.malformedRequest);
    expect((await fetch(url)).status).toBe(404);
    expect((await fetch(`${url}%zz`)).status).toBe(404);
    expect((await fetch(url, { method: 'PUT', body: 'x' })).status).toBe(405);
  });

  it.each([0, 129])('refuses a nonce of %d bytes', async (length) => {
    const request = await requestFor(await issue('a.test'), Buffer.alloc(length, 1));
    expect(await refusalOf(await post(request))).toBe(CODES.malformedRequest);
  });

  it('reads no more than a request may have', async () => {
    await issue('a.test');
    expect((await post(Buffer.alloc(8_193))).status).toBe(413);
    // Without an end in sight, too.
    const said = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect(responder.port ?? 0, '127.0.0.1');
      socket.on('data', (data) => {
        text += data;
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(text));
      socket.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
      socket.write(`2800\r\n${'x'.repeat(0x2800)}\r\n`);
    });
    expect(said).toMatch(/^HTTP\/1\.1 413 [\s\S]*connection: close/i);
  });

  it('asks for patience while the store is damaged, and tells of it once', async () => {
    const certificate = await issue('a.test');
    const file = join(directory, `authorities/internal/issued/${certificate.facts.serial}.json`);
    const request = await requestFor(certificate);
    const whole = await readFile(file);
    await writeFile(file, '{');
    for (let times = 0; times < 3; times += 1) {
      expect(await refusalOf(await post(request))).toBe(CODES.tryLater);
    }
    expect(events.filter(({ event }) => event === 'store.problem')).toMatchObject([
      { code: 'store-damaged' },
    ]);
    await writeFile(file, whole);
    expect(parseResponse(await body(await post(request)))).toMatchObject({ kind: 'basic' });
  });

  it('forgets certificates a day after they expired', async () => {
    const clock = new FakeClock();
    const old = ca({ clock });
    const certificate = await issue('a.test', old);
    clock.jump(7 * DAY);
    await old.forgetExpired();
    expect(await store.documents.listDocuments(['authorities', 'internal', 'issued'])).toHaveLength(1);
    clock.jump(2 * DAY);
    await old.forgetExpired();
    expect(await store.documents.listDocuments(['authorities', 'internal', 'issued'])).toEqual([]);
    expect(certificate.facts.names).toEqual(['a.test']);
  });
});

describe('revoking at a local CA', () => {
  it('is refused without a responder, with the way out', async () => {
    const silent = ca({ responderUrl: null });
    await expect(silent.revoke(await issue('a.test', silent), 0, never)).rejects.toMatchObject({
      code: 'revocation-refused',
      hint: expect.stringContaining('rigil certs renew --force a.test'),
    });
  });

  it('is refused for what another root issued', async () => {
    const certificate = await issue('a.test');
    await rm(join(directory, 'authorities'), { recursive: true });
    await issue('b.test');
    await expect(authority.revoke(certificate, 0, never)).rejects.toMatchObject({
      code: 'revocation-refused',
    });
  });

  it('also marks what was issued before there was a responder', async () => {
    const certificate = await issue('a.test', ca({ responderUrl: null }));
    await authority.revoke(certificate, 0, never);
    expect(parseResponse(await body(await post(await requestFor(certificate))))).toMatchObject({
      answers: [{ status: 'revoked', revocation: { reason: 'unspecified' } }],
    });
  });
});

function ca(parts: Partial<InternalCaOptions> = {}): InternalCa {
  return new InternalCa({
    name: 'internal',
    keyType: 'p256',
    responderUrl: url,
    documents: store.documents,
    locks: store,
    clock: systemClock,
    random: systemRandom,
    emit: (event) => events.push(event),
    ...parts,
  });
}

async function issue(name: string, issuer = authority): Promise<Certificate> {
  const { chain, key } = await issuer.issue({ id: name, names: [name], replaces: null }, never);
  return toCertificate(chain, key, { id: name, issuer: 'internal', obtainedAt: 0, source: 'rigil' });
}

async function parsed({ chain }: Certificate) {
  const root = readCertificate(await body(await fetch(`${url}root.crt`)));
  const [leaf] = readCertificates(Buffer.from(chain));
  if (leaf === undefined) throw new Error('an empty chain');
  return [leaf, root] as const;
}

async function requestFor(certificate: Certificate, nonce: Uint8Array | null = null): Promise<Uint8Array> {
  const [leaf, root] = await parsed(certificate);
  return buildRequest(certIdOf(leaf, root, 'sha1'), nonce);
}

function post(request: Uint8Array): Promise<Response> {
  const headers = { 'content-type': 'application/ocsp-request' };
  return fetch(url, { method: 'POST', headers, body: new Uint8Array(request) });
}

async function body(response: Response): Promise<Uint8Array> {
  return new Uint8Array(await response.arrayBuffer());
}

async function refusalOf(response: Response): Promise<string | null> {
  expect(response.headers.get('cache-control')).toBe('no-store');
  const answer = parseResponse(await body(response));
  return answer.kind === 'refused' ? answer.code : null;
}
