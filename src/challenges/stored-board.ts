import { createHash, X509Certificate } from 'node:crypto';
import { RigilError } from '../errors.ts';
import type { Clock, Instant } from '../platform/clock.ts';
import { certificatesOf } from '../x509/pem.ts';
import { belongsTo, readPrivateKey } from '../x509/private-key.ts';
import type { Board, ChallengeAnswer, TakeDown } from './board.ts';

/** What is needed of the store; its documents fit. */
export interface AnswerDocuments {
  readDocument(path: AnswerPath): Promise<Buffer | null>;
  writeDocument(path: AnswerPath, content: string): Promise<void>;
  removeDocument(path: AnswerPath): Promise<void>;
  listDocuments(path: AnswerPath): Promise<readonly string[]>;
}

type AnswerPath = readonly ['challenges', ...string[]];

/** A little more than an issuance may take: after a crash of the command the daemon tidies up. */
const LIFETIME_MS = 15 * 60_000;
const LONGEST_BYTES = 65_536;
const ANSWER_NAME = /^[0-9a-f]{64}$/;

/**
 * The board of a command beside a running daemon: answers are documents in the store, the daemon shows them and says
 * so in a second document.
 */
export class StoredBoard implements Board {
  readonly #documents: AnswerDocuments;
  readonly #clock: Clock;
  readonly #patienceMs: number;

  /** @param patienceMs how long to wait for the daemon. Default 15 000. */
  constructor(documents: AnswerDocuments, clock: Clock, patienceMs = 15_000) {
    this.#documents = documents;
    this.#clock = clock;
    this.#patienceMs = patienceMs;
  }

  /** @throws RigilError `daemon-unreachable` when nobody shows the answer in time */
  async put(key: string, answer: ChallengeAnswer, signal: AbortSignal): Promise<TakeDown> {
    const name = hash(key);
    const content = JSON.stringify({ key, answer, expiresAt: this.#clock.now() + LIFETIME_MS });
    const takeDown = () => removeBoth(this.#documents, name);
    await this.#documents.writeDocument(['challenges', name], content);
    try {
      await this.#shown(name, hash(content), signal);
    } catch (error) {
      await takeDown();
      throw error;
    }
    return takeDown;
  }

  async #shown(name: string, expected: string, signal: AbortSignal): Promise<void> {
    const until = this.#clock.now() + this.#patienceMs;
    for (;;) {
      const seen = await this.#documents.readDocument(['challenges', shownName(name)]);
      if (seen?.toString('utf8') === expected) return;
      signal.throwIfAborted();
      if (this.#clock.now() >= until) {
        throw new RigilError(
          'daemon-unreachable',
          'the running daemon did not take over the answer for the CA',
          {
            hint: 'see whether it is well with `rigil status`, and that it uses the same store',
          },
        );
      }
      await this.#clock.sleep(200, signal);
    }
  }
}

/** Shows on `board` what commands put into the store. Made by the daemon. */
export class StoredAnswers {
  readonly #documents: AnswerDocuments;
  readonly #board: Board;
  readonly #clock: Clock;
  readonly #onFault: (fault: unknown) => void;
  /** By name of the document. */
  readonly #shown = new Map<string, { readonly content: string; readonly takeDown: TakeDown }>();
  #busy = false;

  /** @param onFault told what went wrong; the next look tries again */
  constructor(documents: AnswerDocuments, board: Board, clock: Clock, onFault: (fault: unknown) => void) {
    this.#documents = documents;
    this.#board = board;
    this.#clock = clock;
    this.#onFault = onFault;
  }

  /** Looks every second until the returned function is called. */
  watch(): () => void {
    const stop = new AbortController();
    const end = this.#clock.every(1_000, () => {
      if (this.#busy) return;
      this.#busy = true;
      void this.look(stop.signal)
        .catch(this.#onFault)
        .finally(() => {
          this.#busy = false;
        });
    });
    return () => {
      end();
      stop.abort();
    };
  }

  /** Brings the board in line with the store, once. */
  async look(signal: AbortSignal): Promise<void> {
    const wanted = await this.#wanted();
    for (const [name, { takeDown }] of this.#shown) {
      if (wanted.has(name)) continue;
      this.#shown.delete(name);
      await takeDown();
      await this.#documents.removeDocument(['challenges', shownName(name)]);
    }
    for (const [name, stored] of wanted) {
      const before = this.#shown.get(name);
      if (before?.content === stored.content) continue;
      const takeDown = await this.#board.put(stored.key, stored.answer, signal);
      await before?.takeDown();
      this.#shown.set(name, { content: stored.content, takeDown });
      await this.#documents.writeDocument(['challenges', shownName(name)], hash(stored.content));
    }
  }

  /** What is in the store, by name of the document; what has expired is removed. */
  async #wanted(): Promise<ReadonlyMap<string, StoredAnswer>> {
    const wanted = new Map<string, StoredAnswer>();
    for (const name of await this.#documents.listDocuments(['challenges'])) {
      if (!ANSWER_NAME.test(name)) continue;
      const content = await this.#documents.readDocument(['challenges', name]);
      const stored = content === null ? null : readAnswer(content.toString('utf8'), name);
      if (stored === null) continue;
      if (stored.expiresAt > this.#clock.now()) wanted.set(name, stored);
      else await removeBoth(this.#documents, name);
    }
    return wanted;
  }
}

interface StoredAnswer {
  readonly key: string;
  readonly answer: ChallengeAnswer;
  readonly expiresAt: Instant;
  readonly content: string;
}

/** What a document says, or null when it is none of ours or damaged: it would go straight to whoever asks. */
function readAnswer(content: string, name: string): StoredAnswer | null {
  if (content.length > LONGEST_BYTES) return null;
  const { key, answer, expiresAt } = Object(parseJson(content));
  if (typeof key !== 'string' || hash(key) !== name || typeof expiresAt !== 'number') return null;
  const { type, body, chain, key: privateKey } = Object(answer);
  if (type === 'http-01' && /^http-01:[A-Za-z0-9_-]{16,256}$/.test(key)) {
    const wellFormed = typeof body === 'string' && /^[A-Za-z0-9_.-]{1,512}$/.test(body);
    return wellFormed ? { key, expiresAt, content, answer: { type, body } } : null;
  }
  if (type === 'tls-alpn-01' && /^tls-alpn-01:[a-z0-9_.-]{1,253}$/.test(key)) {
    const usable = typeof chain === 'string' && typeof privateKey === 'string' && isPair(chain, privateKey);
    return usable ? { key, expiresAt, content, answer: { type, chain, key: privateKey } } : null;
  }
  return null;
}

/** Whether both can be shown in a handshake. */
function isPair(chain: string, privateKey: string): boolean {
  try {
    const [certificate] = certificatesOf(chain);
    return (
      certificate !== undefined && belongsTo(readPrivateKey(privateKey), new X509Certificate(certificate.der))
    );
  } catch {
    return false;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function removeBoth(documents: AnswerDocuments, name: string): Promise<void> {
  await documents.removeDocument(['challenges', name]);
  await documents.removeDocument(['challenges', shownName(name)]);
}

function shownName(name: string): string {
  return `${name}.shown`;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
