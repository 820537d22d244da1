import { Agent, get, type IncomingMessage } from 'node:http';
import type { Emit } from '../../events/bus.ts';
import type { TailnetSettings } from '../../snapshot/snapshot.ts';
import { Deadline } from '../deadline.ts';
import type { RawHeaders } from '../exchange.ts';
import { Occasional } from '../tls/occasional.ts';
import { plainAddress } from '../trusted-peers.ts';
import { userFields } from './user-fields.ts';

export interface IdentitiesOptions {
  /** The tailnet now; null = there is none. */
  readonly tailnet: () => Pick<TailnetSettings, 'socket' | 'addresses'> | null;
  readonly emit: Emit;
  /** Longest that a request waits, in milliseconds. Default 500. */
  readonly patienceMs?: number;
  /** How long an answer holds, in milliseconds. Default 10 000. */
  readonly keepMs?: number;
  /** How many devices are remembered. Default 1000. */
  readonly capacity?: number;
}

const NOBODY: RawHeaders = [];
/** Longest wait for an answer that comes too late for its requests but is of use to the next, in milliseconds. */
const ANSWER_MS = 5_000;
/** For so long nobody waits for a device about which the daemon did not answer, in milliseconds. */
const REST_MS = 2_000;
/** Devices that may be asked about at a time; more have no identity until then. */
const MOST_QUESTIONS = 256;
const CONNECTIONS = 8;
/** In bytes. */
const LONGEST_ANSWER = 1_048_576;
const COMPLAIN_EVERY_MS = 60_000;

interface Known {
  readonly fields: RawHeaders;
  readonly untilMs: number;
}

type Done = (fields: RawHeaders) => void;

/**
 * Who the devices of the tailnet belong to, as the Tailscale daemon of this machine says.
 *
 * A worker asks it over a socket of its own, like an upstream, and not through the control process: that one may be
 * busy with certificates. Only requests of the device that is asked about wait, for a short time, and then go on
 * without an identity, which grants nothing.
 */
export class Identities {
  readonly #options: IdentitiesOptions;
  readonly #patienceMs: number;
  readonly #keepMs: number;
  readonly #capacity: number;
  /** By address, the oldest answer first. */
  readonly #known = new Map<string, Known>();
  readonly #asking = new Map<string, Question>();
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  readonly #told = new Occasional(COMPLAIN_EVERY_MS);
  #socket: string | null = null;

  constructor(options: IdentitiesOptions) {
    this.#options = options;
    this.#patienceMs = options.patienceMs ?? 500;
    this.#keepMs = options.keepMs ?? 10_000;
    this.#capacity = options.capacity ?? 1_000;
  }

  /** Calls `done` with the fields for the user at `remoteAddress`: at once if they are known, else in a while. */
  find(remoteAddress: string | null, done: Done): void {
    const tailnet = this.#options.tailnet();
    const socket = this.#turnTo(tailnet?.socket ?? null);
    const address = plainAddress(remoteAddress ?? '');
    // A program of this machine may be anybody's, not only of whom the machine belongs to.
    const isOwn = tailnet?.addresses.includes(address) === true;
    const known = this.#known.get(address);
    const asked = this.#asking.get(address);
    if (socket === null || remoteAddress === null || isOwn) done(NOBODY);
    else if (known !== undefined && known.untilMs > performance.now()) done(known.fields);
    else if (asked !== undefined) asked.wait(done);
    else if (this.#asking.size >= MOST_QUESTIONS) done(NOBODY);
    else this.#ask(socket, address).wait(done);
  }

  /** A device has connected and will ask for something soon. */
  expect(remoteAddress: string | null): void {
    this.find(remoteAddress, ignore);
  }

  /** What another daemon has said does not hold. */
  #turnTo(socket: string | null): string | null {
    if (socket !== this.#socket) {
      this.#socket = socket;
      this.#known.clear();
      this.#asking.clear();
    }
    return socket;
  }

  #ask(socket: string, address: string): Question {
    const question = new Question({
      socket,
      address,
      agent: this.#agent,
      patienceMs: this.#patienceMs,
      onAnswer: (fields) => {
        if (socket === this.#socket) this.#keep(address, fields, this.#keepMs);
        if (this.#asking.get(address) === question) this.#asking.delete(address);
      },
      onTrouble: (message, isOver) => {
        if (socket === this.#socket) this.#keep(address, NOBODY, REST_MS);
        if (isOver && this.#asking.get(address) === question) this.#asking.delete(address);
        if (this.#told.isTime(message))
          this.#options.emit({ event: 'tailnet.whois.failed', address, message });
      },
    });
    this.#asking.set(address, question);
    return question;
  }

  #keep(address: string, fields: RawHeaders, ms: number): void {
    this.#known.delete(address);
    this.#known.set(address, { fields, untilMs: performance.now() + ms });
    if (this.#known.size <= this.#capacity) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }
}

interface QuestionOptions {
  readonly socket: string;
  readonly address: string;
  readonly agent: Agent;
  readonly patienceMs: number;
  readonly onAnswer: (fields: RawHeaders) => void;
  /** Called when patience ends (not `isOver`: the answer may still come), and when there will be no answer. */
  readonly onTrouble: (message: string, isOver: boolean) => void;
}

/** One question about one device, and the requests that wait for its answer. */
class Question {
  readonly #options: QuestionOptions;
  readonly #patience: Deadline;
  readonly #waiting = new Set<Done>();
  #isOver = false;

  constructor(options: QuestionOptions) {
    this.#options = options;
    this.#patience = new Deadline(options.patienceMs, () => {
      options.onTrouble(`no answer in ${options.patienceMs} ms`, false);
      this.#release(NOBODY);
    });
    // The address alone, without a port: what it says holds for all connections from there.
    const request = get({
      socketPath: options.socket,
      agent: options.agent,
      host: 'local-tailscaled.sock',
      path: `/localapi/v0/whois?addr=${encodeURIComponent(options.address)}`,
      timeout: ANSWER_MS,
    });
    const limit = new Deadline(ANSWER_MS, () => request.destroy(new Error(`no answer in ${ANSWER_MS} ms`)));
    limit.start();
    request.on('response', (response) => this.#read(response));
    request.on('error', (error) => this.#end(null, error.message));
    request.on('close', () => {
      limit.stop();
      this.#end(null, 'the connection was closed');
    });
  }

  wait(done: Done): void {
    if (this.#waiting.size === 0) this.#patience.start();
    this.#waiting.add(done);
  }

  #read(response: IncomingMessage): void {
    const pieces: Buffer[] = [];
    let size = 0;
    response.on('data', (piece: Buffer) => {
      size += piece.length;
      if (size > LONGEST_ANSWER) response.destroy();
      else pieces.push(piece);
    });
    response.on('error', (error) => this.#end(null, error.message));
    response.on('end', () => {
      const status = response.statusCode ?? 0;
      // Not found: no device of the tailnet has the address.
      const fields = status === 200 ? userFields(Buffer.concat(pieces).toString('utf8')) : null;
      if (status === 404) this.#end(NOBODY, '');
      else this.#end(fields, `its answer to whois cannot be used (status ${status})`);
    });
  }

  #end(fields: RawHeaders | null, trouble: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#patience.stop();
    if (fields === null) this.#options.onTrouble(trouble, true);
    else this.#options.onAnswer(fields);
    this.#release(fields ?? NOBODY);
  }

  #release(fields: RawHeaders): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const done of waiting) done(fields);
  }
}

function ignore(): void {}
