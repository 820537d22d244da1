import { isIP } from 'node:net';
import { connect, rootCertificates, type TLSSocket } from 'node:tls';
import { messageOf, RigilError, systemCodeOf } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import { printable } from './printable.ts';

/** Where to connect, and as whom. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** Name to ask for (SNI); null = the host, and none for an address. */
  readonly servername: string | null;
  /** PEM of further CAs to trust. */
  readonly ca: readonly string[];
}

/** What a TLS server showed in one full handshake. */
export interface ServerHello {
  /** DER, leaf first. Never empty. */
  readonly chain: readonly Uint8Array[];
  /** DER of the OCSP response that it stapled (RFC 6066 8), or null. */
  readonly staple: Uint8Array | null;
  /** Why the chain is not trusted, as OpenSSL calls it; null = it is, or nobody could tell. */
  readonly distrust: string | null;
}

const TIMEOUT_MS = 10_000;
/** Certificates of a chain that are looked at. */
const LONGEST_CHAIN = 10;

/**
 * Connects, asks for a staple, and leaves after the handshake. Never resumes a session, since servers staple only in
 * full handshakes. A certificate that is not trusted is shown like any other.
 *
 * @throws RigilError `target-unreachable`, or the reason of `signal` when it aborts
 */
export async function readServer(
  address: ServerAddress,
  clock: Clock,
  signal: AbortSignal,
): Promise<ServerHello> {
  signal.throwIfAborted();
  const servername = address.servername ?? (isIP(address.host) === 0 ? address.host : '');
  const socket = connect({
    host: address.host,
    port: address.port,
    servername,
    requestOCSP: true,
    rejectUnauthorized: false,
    ca: [...rootCertificates, ...address.ca],
  });
  const over = new AbortController();
  try {
    return await Promise.race([
      handshake(socket, address),
      clock.sleep(TIMEOUT_MS, AbortSignal.any([signal, over.signal])).then(() => {
        signal.throwIfAborted();
        throw unreachable(address, `no handshake within ${TIMEOUT_MS / 1000} s`, HINTS.silent);
      }),
    ]);
  } finally {
    over.abort();
    socket.destroy();
  }
}

function handshake(socket: TLSSocket, address: ServerAddress): Promise<ServerHello> {
  return new Promise((resolve, reject) => {
    let staple: Uint8Array | null = null;
    const finish = (distrust: string | null) => resolve({ chain: chainOf(socket), staple, distrust });
    socket.on('OCSPResponse', (response: Buffer | null) => {
      staple = response;
    });
    socket.on('secureConnect', () => {
      finish(
        socket.authorized
          ? null
          : (systemCodeOf(socket.authorizationError) ?? String(socket.authorizationError)),
      );
    });
    // A server that wants a certificate of the client has shown its own before it refuses.
    socket.on('error', (error) => {
      if (chainOf(socket).length > 0) finish(null);
      else reject(failure(address, error));
    });
    socket.on('close', () =>
      reject(unreachable(address, 'it closed the connection in the handshake', HINTS.notTls)),
    );
  });
}

function chainOf(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = [];
  let certificate = socket.getPeerX509Certificate();
  while (certificate !== undefined && chain.length < LONGEST_CHAIN) {
    chain.push(certificate.raw);
    certificate = certificate.issuerCertificate ?? undefined;
  }
  return chain;
}

const HINTS = {
  name: 'check the spelling; a certificate of the store is inspected with --stored',
  port: 'check that the server runs and listens on this port',
  silent: 'a firewall may drop the packets; check host and port',
  network: 'check the network connection of this machine',
  notTls: 'check the port: this one may not speak TLS, or only after STARTTLS',
  servername: 'the server does not know this name; give another one with --servername',
  versions:
    'the server and rigil have no TLS version or cipher suite in common; rigil wants TLS 1.2 or newer',
} as const;

/** What a failed connection means, by the code of the system or of OpenSSL. */
const FAILURES: readonly (readonly [code: RegExp, message: string, hint: string])[] = [
  [/^(ENOTFOUND|EAI_NONAME|ENODATA)$/, 'there is no such host', HINTS.name],
  [/^EAI_/, 'its name cannot be resolved', HINTS.network],
  [/^ECONNREFUSED$/, 'it refuses the connection', HINTS.port],
  [/^ETIMEDOUT$/, 'it does not answer', HINTS.silent],
  [/^(EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/, 'there is no way to it', HINTS.network],
  [/^(ECONNRESET|EPIPE)$/, 'it cut the connection in the handshake', HINTS.notTls],
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH|HTTP_REQUEST|UNKNOWN_PROTOCOL/, 'it does not speak TLS', HINTS.notTls],
  [/UNRECOGNIZED_NAME/, 'it has no certificate for this name', HINTS.servername],
  [
    /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|HANDSHAKE_FAILURE|NO_SHARED/,
    'it refuses the handshake',
    HINTS.versions,
  ],
];

function failure(address: ServerAddress, error: unknown): RigilError {
  const code = systemCodeOf(error) ?? '';
  const [, message = printable(messageOf(error)), hint = HINTS.port] =
    FAILURES.find(([pattern]) => pattern.test(code)) ?? [];
  return unreachable(address, message, hint, error);
}

function unreachable({ host, port }: ServerAddress, why: string, hint: string, cause?: unknown): RigilError {
  const where = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new RigilError('target-unreachable', `cannot inspect ${where}: ${why}`, { hint, cause });
}
