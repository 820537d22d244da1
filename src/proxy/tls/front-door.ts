import type { Socket } from 'node:net';
import type { Server } from 'node:tls';
import { messageOf } from '../../errors.ts';
import type { Emit } from '../../events/bus.ts';
import type { Route } from '../../routing/route.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { Counters } from '../counters.ts';
import { type Opening, readOpening } from './client-hello.ts';
import { Occasional } from './occasional.ts';
import type { TlsServers } from './servers.ts';

export interface FrontDoorOptions {
  readonly current: () => Snapshot;
  readonly servers: TlsServers;
  readonly counters: Counters;
  readonly emit: Emit;
  /** Longest time until the ClientHello is there, in milliseconds. */
  readonly helloTimeoutMs: number;
}

/** Fatal alerts as whole records (RFC 8446 6). */
const UNRECOGNIZED_NAME = alert(112);
const DECODE_ERROR = alert(50);
const NO_APPLICATION_PROTOCOL = alert(120);

const CLEAR_TEXT = 'This port speaks HTTPS: ask again with https:// in the address.\n';
const BAD_REQUEST = Buffer.from(
  `HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${CLEAR_TEXT.length}\r\nconnection: close\r\n\r\n${CLEAR_TEXT}`,
);

const ACME_PROTOCOL = 'acme-tls/1';
/**
 * Takes connections of TLS listeners: reads the ClientHello, finds the certificate in the current snapshot and hands
 * the connection to the TLS server that shows it.
 *
 * The name is read here, and not by a callback of Node's TLS server, because that one cannot answer an unknown name
 * with the alert `unrecognized_name`. Nothing is awaited but the socket: a certificate that is not there is refused.
 */
export class FrontDoor {
  readonly #options: FrontDoorOptions;
  readonly #waiting = new Occasional(60_000);
  readonly #broken = new Occasional(60_000);

  constructor(options: FrontDoorOptions) {
    this.#options = options;
  }

  accept(socket: Socket): void {
    const pieces: Buffer[] = [];
    let have = 0;
    let need = 1;
    const timer = setTimeout(() => socket.destroy(), this.#options.helloTimeoutMs);
    const stop = () => {
      clearTimeout(timer);
      socket.off('data', read);
      socket.off('end', leave);
      socket.off('error', leave);
      socket.off('close', stop);
    };
    const leave = () => {
      stop();
      socket.destroy();
    };
    const read = (piece: Buffer) => {
      pieces.push(piece);
      have += piece.length;
      if (have < need) return;
      const bytes = pieces.length === 1 ? piece : Buffer.concat(pieces);
      const opening = readOpening(bytes);
      if (opening.kind === 'incomplete') {
        need = opening.need;
        return;
      }
      socket.pause();
      stop();
      const verdict = this.#judge(opening, addressName(socket));
      if (Buffer.isBuffer(verdict)) refuse(socket, verdict);
      else hand(socket, bytes, verdict);
    };
    socket.on('data', read);
    socket.on('end', leave);
    socket.on('error', leave);
    socket.on('close', stop);
  }

  /** Who takes the connection, or the bytes that refuse it. */
  #judge(opening: Opening, localName: string): Server | Buffer {
    if (opening.kind === 'http') return BAD_REQUEST;
    if (opening.kind !== 'hello') return DECODE_ERROR;
    const { serverName, protocols } = opening;
    const snapshot = this.#options.current();
    if (protocols.includes(ACME_PROTOCOL)) return this.#proof(snapshot, serverName ?? '');

    const name = (serverName ?? localName).replace(/\.$/, '');
    const route = snapshot.table.match(name);
    this.#options.counters.hello(route !== null);
    if (route === null) return UNRECOGNIZED_NAME;
    const certificate = snapshot.certificates.get(route.certificate);
    if (certificate === undefined) {
      this.#tellMissing(route, name);
      return UNRECOGNIZED_NAME;
    }
    try {
      return this.#options.servers.serverFor(certificate, snapshot.ticketKeys);
    } catch (error) {
      this.#tellBroken(certificate.id, error);
      return UNRECOGNIZED_NAME;
    }
  }

  /** A CA looks whether we control a name (RFC 8737 3). */
  #proof(snapshot: Snapshot, name: string): Server | Buffer {
    const answer = snapshot.challenges.get(`tls-alpn-01:${name}`);
    if (answer?.type !== 'tls-alpn-01') return NO_APPLICATION_PROTOCOL;
    try {
      return this.#options.servers.challengeServer(answer.chain, answer.key);
    } catch (error) {
      this.#tellBroken(name, error);
      return NO_APPLICATION_PROTOCOL;
    }
  }

  #tellMissing(route: Route, name: string): void {
    const id = route.certificate;
    if (!this.#waiting.isTime(id)) return;
    this.#options.emit({ event: 'certificate.waiting', name, id, why: 'it has not been obtained yet' });
  }

  #tellBroken(id: string, error: unknown): void {
    if (!this.#broken.isTime(id)) return;
    this.#options.emit({
      event: 'fault',
      where: `certificate ${id}`,
      message: messageOf(error),
      stack: null,
    });
  }
}

function hand(socket: Socket, bytes: Buffer, server: Server): void {
  socket.unshift(bytes);
  server.emit('connection', socket);
}

function refuse(socket: Socket, answer: Buffer): void {
  socket.on('error', () => {});
  // Closing with unread bytes would send a reset, which can overtake the answer: what still comes is read and dropped.
  socket.resume();
  socket.end(answer);
  socket.setTimeout(2_000, () => socket.destroy());
}

/** Without a name the client may have connected to an address that is a name of a route. */
function addressName(socket: Socket): string {
  return (socket.localAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '');
}

function alert(description: number): Buffer {
  return Buffer.from([0x15, 0x03, 0x01, 0x00, 0x02, 0x02, description]);
}
