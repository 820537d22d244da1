import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { codeOf, Refusal } from '../../src/errors.ts';
import { readCertificates } from '../../src/ocsp/certificate.ts';
import { fetchStaple, type Staple } from '../../src/ocsp/staple.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { systemFetch } from '../../src/platform/fetch.ts';
import { has } from '../peers.ts';
import {
  openssl,
  sendOcsp,
  serve,
  TestAuthority,
  type TestCertificate,
  type TestServer,
} from '../responder.ts';

const DAY = 24 * 3_600_000;

describe.skipIf(!has('openssl'))('fetchStaple', () => {
  let authority: TestAuthority;
  let impostor: TestAuthority;
  let server: TestServer;
  let handle: (request: { method: string; url: string; body: Buffer }, response: ServerResponse) => unknown;
  let leaf: TestCertificate;

  beforeAll(async () => {
    [authority, impostor] = await Promise.all([TestAuthority.create(), TestAuthority.create()]);
    server = await serve((request, response) => handle(request, response));
    leaf = await authority.issue({ extensions: [`authorityInfoAccess=OCSP;URI:${server.url}/ocsp`] });
  });
  afterEach(() => {
    server.requests.length = 0;
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await Promise.all([authority?.remove(), impostor?.remove()]);
  });

  it('asks by GET and tells what may be done with the answer', async () => {
    handle = answering();
    const staple = await fetchChain(leaf.pem + authority.ca.pem);
    expect(staple).toMatchObject({ status: 'good', responder: `${server.url}/ocsp`, cachedUntil: null });
    expect(staple.usableUntil).toBe(staple.nextUpdate);
    expect((staple.nextUpdate ?? 0) - staple.thisUpdate).toBe(7 * DAY);
    expect(server.requests).toMatchObject([{ method: 'GET' }]);
    expect(server.requests[0]?.url).toMatch(/^\/ocsp\/[A-Za-z0-9%]+$/);
  });

  it('asks by POST when GET brings what cannot be used', async () => {
    const good = answering();
    for (const bad of [html, refusing(6), refusing(3), sending(Buffer.from('0\0')), failing(404), forged()]) {
      server.requests.length = 0;
      handle = (request, response) => (request.method === 'GET' ? bad : good)(request, response);
      expect(await fetchChain(leaf.pem + authority.ca.pem)).toMatchObject({ status: 'good' });
      expect(server.requests.map(({ method }) => method)).toEqual(['GET', 'POST']);
    }
  });

  it('asks the next responder when one fails', async () => {
    handle = (request, response) =>
      (request.url.startsWith('/first') ? html : answering())(request, response);
    const access = ['first', 'second'].map((name) => `OCSP;URI:${server.url}/${name}`).join(',');
    const two = await authority.issue({ extensions: [`authorityInfoAccess=${access}`] });
    expect(await fetchChain(two.pem + authority.ca.pem)).toMatchObject({ responder: `${server.url}/second` });
  });

  it('tells a revocation; it can never be stapled', async () => {
    handle = answering();
    const revoked = await authority.issue({ extensions: [`authorityInfoAccess=OCSP;URI:${server.url}`] });
    await authority.revoke(revoked);
    expect(await fetchChain(revoked.pem + authority.ca.pem)).toMatchObject({
      status: 'revoked',
      usableUntil: null,
    });
  });

  it('never lets an answer outlive the certificate', async () => {
    handle = answering();
    const brief = await authority.issue({
      days: 1,
      extensions: [`authorityInfoAccess=OCSP;URI:${server.url}`],
    });
    const staple = await fetchChain(brief.pem + authority.ca.pem);
    expect(staple.usableUntil).toBe(readCertificates(Buffer.from(brief.pem))[0]?.x509.validToDate.getTime());
  });

  it.each<[string, string, () => typeof handle]>([
    ['HTML', 'responder-unreachable', () => html],
    ['an HTTP error', 'responder-unreachable', () => failing(500)],
    ['a broken connection', 'responder-unreachable', () => (_, response) => response.destroy()],
    ['"try later"', 'staple-unusable', () => refusing(3)],
    ['"unauthorized"', 'staple-unusable', () => refusing(6)],
    ['a forged answer', 'staple-unusable', () => forged()],
    [
      'an answer of somebody else',
      'staple-unusable',
      () =>
        async ({ url }, response) =>
          sendOcsp(response, await authority.answer(requestIn(url), { signer: impostor.ca })),
    ],
  ])('fails on %s', async (_, code, handler) => {
    const use = handler();
    handle = ({ method, url, body }, response) =>
      use(
        { method, url: method === 'GET' ? url : `/${encodeURIComponent(body.toString('base64'))}`, body },
        response,
      );
    const error = await fetchChain(leaf.pem + authority.ca.pem).catch((thrown: unknown) => thrown);
    expect(codeOf(error)).toBe(code);
  });

  it('passes on when the responder wants to be asked again', async () => {
    handle = (_, response) => response.writeHead(429, { 'retry-after': '3600' }).end();
    const error = await fetchChain(leaf.pem + authority.ca.pem).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Refusal);
    expect((error as Refusal).retryAt).toBeGreaterThan(Date.now());
  });

  it('fetches the issuer when the chain lacks it: DER, PEM or PKCS #7', async () => {
    const bundle = [
      'crl2pkcs7',
      '-nocrl',
      '-certfile',
      impostor.ca.certFile,
      '-certfile',
      'ca.pem',
      '-outform',
      'DER',
    ];
    await openssl([...bundle, '-out', 'ca.p7c'], authority.dir);
    await openssl(['x509', '-in', 'ca.pem', '-outform', 'DER', '-out', 'ca.der'], authority.dir);
    for (const file of ['ca.der', 'ca.pem', 'ca.p7c']) {
      handle = serving(join(authority.dir, file));
      expect(await fetchChain((await leafWithIssuerUrl()).pem)).toMatchObject({ status: 'good' });
    }
  });

  it('does not believe an issuer whose key did not sign the certificate', async () => {
    const { pem } = await leafWithIssuerUrl();
    for (const file of [impostor.ca.certFile, leaf.keyFile]) {
      handle = serving(file);
      await expect(fetchChain(pem)).rejects.toMatchObject({ code: 'issuer-certificate-missing' });
    }
    await expect(fetchChain(leaf.pem)).rejects.toMatchObject({ code: 'issuer-certificate-missing' });
  });

  it('says that there is nobody to ask', async () => {
    const { pem } = await authority.issue();
    await expect(fetchChain(pem + authority.ca.pem)).rejects.toMatchObject({ code: 'responder-missing' });
    await expect(fetchChain('')).rejects.toMatchObject({ code: 'certificate-unusable' });
  });

  it('ends when it is told to', async () => {
    const stop = new AbortController();
    handle = () => stop.abort(new Error('stopped'));
    await expect(fetchChain(leaf.pem + authority.ca.pem, stop.signal)).rejects.toThrow('stopped');
  });

  function fetchChain(chain: string, signal = new AbortController().signal): Promise<Staple> {
    return fetchStaple(chain, { fetch: systemFetch, clock: systemClock }, signal);
  }

  function answering(flags: readonly string[] = ['-ndays', '7']): typeof handle {
    return async ({ method, url, body }, response) =>
      sendOcsp(response, await authority.answer(method === 'POST' ? body : requestIn(url), { flags }));
  }

  function forged(): typeof handle {
    return async ({ url }, response) =>
      sendOcsp(response, await authority.answer(requestIn(url), { flags: ['-ndays', '7', '-badsig'] }));
  }

  function serving(file: string): typeof handle {
    return async (request, response) =>
      request.url.startsWith('/issuer') ? response.end(await readFile(file)) : answering()(request, response);
  }

  function leafWithIssuerUrl(): Promise<TestCertificate> {
    const access = `OCSP;URI:${server.url},caIssuers;URI:${server.url}/issuer`;
    return authority.issue({ extensions: [`authorityInfoAccess=${access}`] });
  }
});

function html(_: unknown, response: ServerResponse) {
  response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Please log in</html>');
}

function failing(status: number) {
  return (_: unknown, response: ServerResponse) => response.writeHead(status).end();
}

function sending(der: Uint8Array) {
  return (_: unknown, response: ServerResponse) => sendOcsp(response, der);
}

/** An unsigned OCSP response with this status. */
function refusing(status: number) {
  return sending(Uint8Array.of(0x30, 3, 0x0a, 1, status));
}

function requestIn(url: string): Buffer {
  return Buffer.from(decodeURIComponent(url.slice(url.lastIndexOf('/') + 1)), 'base64');
}
