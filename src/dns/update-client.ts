import { RigilError, systemCodeOf } from '../errors.ts';
import { throwIfAborted } from '../platform/abort.ts';
import { bounded } from '../platform/bounded.ts';
import type { Clock } from '../platform/clock.ts';
import { type Random, systemRandom } from '../platform/random.ts';
import { exchange } from './exchange.ts';
import {
  type DnsMessage,
  decodeMessage,
  encodeMessage,
  isResponse,
  MalformedMessage,
  opcodeOf,
} from './message.ts';
import { signRequest, TSIG_ERROR, type TsigKey, verifyResponse } from './tsig.ts';

/** Longest wait for one answer, in milliseconds. */
const ANSWER_LIMIT_MS = 10_000;

/** Talks to one DNS server over TCP, with signatures in both directions when there is a key. */
export class UpdateClient {
  readonly #server: { readonly host: string; readonly port: number };
  readonly #key: TsigKey | null;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(
    server: { readonly host: string; readonly port: number },
    key: TsigKey | null,
    clock: Clock,
    random: Random = systemRandom,
  ) {
    this.#server = server;
    this.#key = key;
    this.#clock = clock;
    this.#random = random;
  }

  /** For messages. */
  get label(): string {
    return `${this.#server.host}:${this.#server.port}`;
  }

  /**
   * Sends a request and hands back the answer, whatever its RCODE, once its signature is known to be the server's.
   *
   * @throws RigilError `dns-provider-failed`, `dns-provider-refused` (the key or the clock), `aborted`
   */
  async ask(request: Omit<DnsMessage, 'id'>, signal: AbortSignal): Promise<DnsMessage> {
    const message: DnsMessage = { ...request, id: this.#random.bytes(2).readUInt16BE() };
    const signed = this.#key === null ? null : signRequest(message, this.#key, this.#clock.now());
    const wire = await this.#exchange(signed?.wire ?? encodeMessage(message), signal);
    try {
      const answer = decodeMessage(wire);
      if (answer.id !== message.id || !isResponse(answer) || opcodeOf(answer) !== opcodeOf(message)) {
        throw this.#failed('answers another question than was asked');
      }
      if (this.#key !== null && signed !== null) this.#check(wire, answer, this.#key, signed.mac);
      return answer;
    } catch (error) {
      if (error instanceof MalformedMessage) throw this.#failed(`sends what is not DNS: ${error.message}`);
      throw error;
    }
  }

  async #exchange(wire: Buffer, signal: AbortSignal): Promise<Buffer> {
    const late = (): RigilError => this.#failed(`does not answer within ${ANSWER_LIMIT_MS / 1000} s`);
    try {
      const limits = { clock: this.#clock, timeoutMs: ANSWER_LIMIT_MS, signal, onTimeout: late };
      return await bounded(limits, (stop) => exchange(this.#server, wire, stop));
    } catch (error) {
      throwIfAborted(signal);
      if (error instanceof RigilError) throw error;
      throw this.#failed(
        error instanceof MalformedMessage
          ? 'ends the connection without an answer'
          : `cannot be reached over TCP (${systemCodeOf(error) ?? 'no reason given'})`,
      );
    }
  }

  #check(wire: Buffer, answer: DnsMessage, key: TsigKey, requestMac: Buffer): void {
    const verdict = verifyResponse(wire, key, requestMac, this.#clock.now());
    switch (verdict.kind) {
      case 'valid':
        return;
      case 'bad-time': {
        const aheadS = Math.round((this.#clock.now() - verdict.serverTime) / 1000);
        throw this.#refused(
          `has a clock that differs by ${Math.abs(aheadS)} s: this machine's is ${aheadS > 0 ? 'ahead' : 'behind'}`,
          'signatures are good for 300 s: set both clocks by NTP',
        );
      }
      case 'unsigned':
        if (verdict.error === TSIG_ERROR.BADKEY) {
          throw this.#refused(
            `does not know the key ${key.name}`,
            'see that name and algorithm of the key are those in its configuration',
          );
        }
        if (verdict.error === TSIG_ERROR.BADSIG) {
          throw this.#refused(
            `finds the signature wrong (BADSIG): the secret of ${key.name} is another one there`,
            'copy secret and algorithm from its configuration',
          );
        }
        // A server that wants no talk at all does not sign that.
        if ((answer.flags & 0xf) !== 0) return;
        throw this.#failed("does not sign its answer, which could be anybody's");
      case 'forged':
        throw this.#failed(`sends an answer that ${verdict.problem}`);
      default:
        throw verdict satisfies never;
    }
  }

  #failed(what: string): RigilError {
    return new RigilError('dns-provider-failed', `rfc2136: ${this.label} ${what}`, {
      hint: 'see that it is the primary server of the zone and takes updates over TCP from this address',
    });
  }

  #refused(what: string, hint: string): RigilError {
    return new RigilError('dns-provider-refused', `rfc2136: ${this.label} ${what}`, { hint });
  }
}
