import type { Socket } from 'node:net';
import type { Server } from 'node:tls';
import { tlsAlpnKey } from '../../challenges/answer-key.ts';
import { messageOf } from '../../errors.ts';
import type { Emit } from '../../events/bus.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Route } from '../../routing/route.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import { FAREWELL_MS } from '../client-connection.ts';
import type { Counters } from '../counters.ts';
import { endTurn } from '../end-of-turn.ts';
import type { Sweep } from '../sweep.ts';
import { Arrival, type Host } from './arrival.ts';
import type { Opening } from './client-hello.ts';
import { Occasional } from './occasional.ts';
import {
  BAD_REQUEST,
  DECODE_ERROR,
  INTERNAL_ERROR,
  NO_APPLICATION_PROTOCOL,
  UNRECOGNIZED_NAME,
} from './refusals.ts';
import { PROTOCOLS, type TlsServers } from './servers.ts';

export interface FrontDoorOptions {
  readonly current: () => Snapshot;
  readonly servers: TlsServers;
  readonly counters: Counters;
  readonly emit: Emit;
  readonly clock: Clock;
  readonly sweep: Sweep;
  /** Longest time until the ClientHello is there, in milliseconds. */
  readonly helloTimeoutMs: number;
}

const ACME_PROTOCOL = 'acme-tls/1';
/** How often one certificate is complained about, in milliseconds. */
const COMPLAIN_EVERY_MS = 60_000;

const LOOK_EVERY_MS = 10;

/**
 * Takes connections of TLS listeners: reads the ClientHello, finds the certificate in the current snapshot and hands
 * the connection to the TLS server that shows it.
 *
 * The name is read here, and not by a callback of Node's TLS server, because that one cannot answer an unknown name
 * with the alert `unrecognized_name`. Nothing is awaited but the socket: a certificate that is not there is refused.
 */
export class FrontDoor implements Host {
  readonly #options: FrontDoorOptions;
  readonly #missing = new Occasional(COMPLAIN_EVERY_MS);
  readonly #broken = new Occasional(COMPLAIN_EVERY_MS);
  /** Those whose ClientHello is not there yet. */
  readonly #silent = new Set<Arrival>();

  constructor(options: FrontDoorOptions) {
    this.#options = options;
  }

  /** Connections that are not yet in the hands of whoever serves them. */
  get pending(): number {
    return this.#silent.size + this.#options.servers.handshakes;
  }

  accept(socket: Socket): void {
    const { sweep, helloTimeoutMs } = this.#options;
    const arrival = new Arrival(socket, this, performance.now() + helloTimeoutMs);
    this.#silent.add(arrival);
    sweep.add(arrival);
  }

  opened(arrival: Arrival, opening: Opening, bytes: Buffer): void {
    this.left(arrival);
    const { socket } = arrival;
    const found = this.#options.counters.handshakeBegins();
    const verdict = this.#judge(opening, socket);
    found();
    if (Buffer.isBuffer(verdict)) {
      refuse(socket, verdict);
      return;
    }
    // A handshake costs as much time as many requests: they shall not wait for it to leave.
    endTurn();
    this.#options.servers.hand(socket, bytes, verdict);
  }

  left(arrival: Arrival): void {
    this.#silent.delete(arrival);
    this.#options.sweep.delete(arrival);
  }

  /** Resolves when nobody is on the way in any more, or after `ms` milliseconds. */
  async settle(ms: number): Promise<void> {
    const { clock } = this.#options;
    const end = clock.now() + ms;
    while (this.pending > 0 && clock.now() < end) await clock.sleep(LOOK_EVERY_MS);
  }

  /** Ends the connections on which nothing has been said yet. */
  close(): void {
    for (const { socket } of this.#silent) socket.destroy();
  }

  /** Who takes the connection, or the bytes that refuse it. */
  #judge(opening: Opening, socket: Socket): Server | Buffer {
    if (opening.kind === 'http') return BAD_REQUEST;
    if (opening.kind !== 'hello') return DECODE_ERROR;
    const { serverName, protocols } = opening;
    const snapshot = this.#options.current();
    if (protocols.includes(ACME_PROTOCOL)) return this.#proof(snapshot, serverName ?? '');

    const name = serverName?.replace(/\.$/, '') ?? addressName(socket);
    const route = snapshot.table.match(name);
    const certificate = route === null ? undefined : snapshot.certificates.get(route.certificate);
    this.#options.counters.hello(certificate !== undefined);
    if (route === null) return UNRECOGNIZED_NAME;
    if (certificate === undefined) {
      this.#tellMissing(route, name);
      return UNRECOGNIZED_NAME;
    }
    // A client of another protocol must not take our certificate for its server's (ALPACA).
    if (protocols.length > 0 && !PROTOCOLS.some((ours) => protocols.includes(ours))) {
      return NO_APPLICATION_PROTOCOL;
    }
    try {
      return this.#options.servers.serverFor(certificate, snapshot.ticketKeys);
    } catch (error) {
      this.#tellBroken(certificate.id, error);
      return INTERNAL_ERROR;
    }
  }

  /** A CA looks whether we control a name (RFC 8737 3). */
  #proof(snapshot: Snapshot, name: string): Server | Buffer {
    const answer = snapshot.challenges.get(tlsAlpnKey(name));
    if (answer?.type !== 'tls-alpn-01') return NO_APPLICATION_PROTOCOL;
    try {
      return this.#options.servers.challengeServer(answer.chain, answer.key);
    } catch (error) {
      this.#tellBroken(name, error);
      return INTERNAL_ERROR;
    }
  }

  #tellMissing(route: Route, name: string): void {
    const id = route.certificate;
    if (!this.#missing.isTime(id)) return;
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

function refuse(socket: Socket, answer: Buffer): void {
  const timer = setTimeout(() => socket.destroy(), FAREWELL_MS);
  socket.on('close', () => clearTimeout(timer));
  socket.on('error', () => {});
  // Closing with unread bytes would send a reset, which can overtake the answer: what still comes is read and dropped.
  socket.resume();
  socket.end(answer);
}

/** Without a name the client may have connected to an address that is a name of a route. */
function addressName(socket: Socket): string {
  return (socket.localAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '').replace(/%.*$/, '');
}
