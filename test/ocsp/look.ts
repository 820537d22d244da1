import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { RigilError } from '../../src/errors.ts';
import { certIdOf } from '../../src/ocsp/cert-id.ts';
import { readCertificates } from '../../src/ocsp/certificate.ts';
import { type InspectOptions, inspect } from '../../src/ocsp/inspect.ts';
import type { OcspReport } from '../../src/ocsp/report.ts';
import { buildRequest } from '../../src/ocsp/request.ts';
import type { StoredCertificate, SubjectPorts } from '../../src/ocsp/subject.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { systemFetch } from '../../src/platform/fetch.ts';
import { systemRandom } from '../../src/platform/random.ts';
import type { TestAuthority, TestCertificate } from '../responder.ts';

/** Inspects a target with the real network. */
export function look(
  target: string,
  options: Partial<InspectOptions> = {},
  ports: Partial<SubjectPorts> = {},
): Promise<OcspReport> {
  return inspect(
    { target, stored: false, servername: null, query: false, hash: 'sha1', ca: null, ...options },
    {
      fetch: systemFetch,
      clock: systemClock,
      random: systemRandom,
      loadCertificate: storeOf('', null),
      ...ports,
    },
    new AbortController().signal,
  );
}

/** A store with one certificate. */
export function storeOf(known: string, stored: StoredCertificate | null) {
  return async (name: string): Promise<StoredCertificate> => {
    if (name !== known || stored === null) throw new RigilError('name-unknown', `no ${name}`);
    return stored;
  };
}

export function requestFor(
  authority: TestAuthority,
  { pem }: TestCertificate,
  nonce: Buffer | null = null,
): Uint8Array {
  const [certificate, issuer] = readCertificates(Buffer.from(pem + authority.ca.pem));
  if (certificate === undefined || issuer === undefined) throw new Error('the CA made no certificate');
  return buildRequest(certIdOf(certificate, issuer, 'sha1'), nonce);
}

export function tcpServer(onConnection: (socket: Socket) => void) {
  return listening(createTcpServer(onConnection));
}

/** Lets `server` listen on a free port of 127.0.0.1. */
export async function listening(server: Server) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    target: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
