import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createSecureContext, createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import type { ServedCertificate } from '../../snapshot/snapshot.ts';
import { renewTickets, TICKET_KEYS_LENGTH } from './session-tickets.ts';

/** Mozilla's guideline 6.0, "intermediate": TLS 1.3, and of TLS 1.2 what has forward secrecy and AEAD. In our order. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** Key exchange groups in order of preference; OpenSSL before 3.5 lacks the hybrid with ML-KEM. */
const GROUPS =
  ['X25519MLKEM768:X25519:prime256v1:secp384r1', 'X25519:prime256v1:secp384r1'].find((groups) => {
    try {
      createSecureContext({ ecdhCurve: groups });
      return true;
    } catch {
      return false;
    }
  }) ?? 'auto';

/** Of OpenSSL 1.1.1 and later; Node's types lack it. */
const SSL_OP_PRIORITIZE_CHACHA = 0x200000;

/** What is spoken, in order of preference. */
export const PROTOCOLS: readonly string[] = ['h2', 'http/1.1'];

/** In bytes. */
const LONGEST_SESSION_CONTEXT = 32;
/** How long a session can be resumed, in seconds: as long as Mozilla's guideline has it, and as its keys live. */
const SESSION_SECONDS = 86_400;

export interface TlsServerOptions {
  /** Longest time for a handshake, in milliseconds. */
  readonly handshakeTimeoutMs: number;
  /** Gets every connection whose handshake is done. */
  readonly onSecure: (socket: TLSSocket) => void;
  /** How many certificates are kept ready. Default 1000: some 35 KiB and 0.3 ms to make each. */
  readonly capacity?: number;
}

/**
 * One TLS server for each certificate, made when it is first shown, the longest unused given up first.
 *
 * None of them listens: connections are handed to them (`emit('connection')`), after the name was read. A server has
 * one context and so needs no callback during the handshake, which would cost a detour through JavaScript.
 */
export class TlsServers {
  readonly #options: TlsServerOptions;
  readonly #capacity: number;
  /** By certificate id; in order of use, the latest last. */
  readonly #ready = new Map<string, { readonly certificate: ServedCertificate; readonly server: Server }>();
  #ticketKeys: Uint8Array = new Uint8Array(0);
  #handshakes = 0;

  constructor(options: TlsServerOptions) {
    this.#options = options;
    this.#capacity = options.capacity ?? 1000;
  }

  /**
   * The server that shows `certificate`.
   *
   * @param ticketKeys seal the sessions; with other keys than last time everything is made anew
   * @throws Error when chain and key are no use to OpenSSL
   */
  serverFor(certificate: ServedCertificate, ticketKeys: Uint8Array): Server {
    if (ticketKeys !== this.#ticketKeys) {
      this.#ready.clear();
      this.#ticketKeys = ticketKeys;
    }
    const { id } = certificate;
    const known = this.#ready.get(id);
    this.#ready.delete(id);
    const entry =
      known?.certificate === certificate ? known : { certificate, server: this.#make(certificate) };
    this.#ready.set(id, entry);
    if (this.#ready.size > this.#capacity) {
      const [oldest] = this.#ready.keys();
      if (oldest !== undefined) this.#ready.delete(oldest);
    }
    return entry.server;
  }

  /** A server that proves control of a name (RFC 8737): it speaks no other protocol and takes no request. */
  challengeServer(chain: string, key: string): Server {
    const server = this.#create({ cert: chain, key, ALPNProtocols: ['acme-tls/1'] });
    server.on('secureConnection', (socket) => {
      socket.on('error', () => {});
      socket.resume();
      socket.end();
    });
    return server;
  }

  /** Connections that are between {@link hand} and the end of their handshake. */
  get handshakes(): number {
    return this.#handshakes;
  }

  /** Hands over a connection on which `bytes` have been read already. */
  hand(socket: Socket, bytes: Buffer, server: Server): void {
    socket.unshift(bytes);
    this.#handshakes++;
    server.emit('connection', socket);
  }

  #make({ chain, key, staple, fingerprint }: ServedCertificate): Server {
    const keys = this.#ticketKeys;
    const hasKeys = keys.length === TICKET_KEYS_LENGTH;
    const server = this.#create({
      cert: chain,
      key,
      ALPNProtocols: [...PROTOCOLS],
      // A session is for this certificate only: after a renewal, or a revocation, the new one is shown to everybody.
      sessionIdContext: fingerprint.slice(0, LONGEST_SESSION_CONTEXT),
      sessionTimeout: SESSION_SECONDS,
      ...(hasKeys ? { ticketKeys: Buffer.from(keys) } : {}),
    });
    if (hasKeys) renewTickets(server, keys);
    server.on('secureConnection', this.#options.onSecure);
    if (staple !== null) {
      const answer = Buffer.from(staple);
      server.on('OCSPRequest', (_certificate, _issuer, reply) => reply(null, answer));
    }
    return server;
  }

  /** Every connection that is handed to it ends its handshake in exactly one of the two events. */
  #create(options: TlsOptions): Server {
    const server = createServer({
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      ciphers: CIPHERS,
      // Ours, which begins with what costs the least here; but a client without hardware for AES, which therefore puts
      // ChaCha20 first, gets that.
      honorCipherOrder: true,
      ecdhCurve: GROUPS,
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION | SSL_OP_PRIORITIZE_CHACHA,
      handshakeTimeout: this.#options.handshakeTimeoutMs,
      ...options,
    });
    server.on('secureConnection', () => this.#handshakes--);
    server.on('tlsClientError', (_error, socket) => {
      this.#handshakes--;
      // Node leaves a connection open whose handshake took too long.
      socket.destroy();
    });
    return server;
  }
}
