import { createHash, X509Certificate } from 'node:crypto';
import { RigilError } from '../errors.ts';
import type { Clock, Instant } from '../platform/clock.ts';
import { jsonOrNull } from '../platform/json.ts';
import { certificatesOf } from '../x509/pem.ts';
import { belongsTo, readPrivateKey } from '../x509/private-key.ts';
import type { Board, ChallengeAnswer, TakeDown } from './board.ts';

/** What is needed of the store; its documents fit. */
export interface AnswerDocuments {
  readDocument(path: AnswerPath): Promise<Buffer | null>;
  writeDocument(path: AnswerPath, content: string): Promise<void>;
  removeDocument(path: AnswerPath): Promise<void>;
  listDocuments(path: AnswerPath): Promise<readonly string[]>;
  readDocuments(path: AnswerPath, visit: (name: string, content: Buffer) => void): Promise<void>;
}

type AnswerPath = readonly ['challenges', ...string[]];

/** A little more than an issuance may take: after a crash of the command the daemon tidies up. */
const LIFETIME_MS = 15 * 60_000;
const LONGEST_BYTES = 65_536;
/** How often is looked for who shows an answer, in milliseconds. */
const POLL_MS = 200;
const ANSWER_NAME = /^[0-9a-f]{64}$/;
const SHOWN_NAME = /^([0-9a-f]{64})\.shown/;

/** Names of the daemons that have to show an answer; an empty name where there is only one. */
export type Audience = () => Promise<readonly string[]>;

export interface StoredBoardOptions {
  /** How long to wait for the daemons, in milliseconds. Default 15 000. */
  readonly patienceMs?: number;
  /** Who has to show the answers; asked again and again, since daemons come and go. Default: the one that there is. */
  readonly audience?: Audience;
  /** Answers are shown elsewhere too: nobody has to show them here. Default false. */
  readonly isShownAlready?: boolean;
}

/**
 * A board for other daemons: answers are documents in the store, every daemon shows them and says so in a second
 * document. A daemon that does not in time is gone on without, as long as one does: a CA that meets it fails.
 */
export class StoredBoard implements Board {
  readonly #documents: AnswerDocuments;
  readonly #clock: Clock;
  readonly #patienceMs: number;
  readonly #audience: Audience;
  readonly #isShownAlready: boolean;

  constructor(documents: AnswerDocuments, clock: Clock, options: StoredBoardOptions = {}) {
    this.#documents = documents;
    this.#clock = clock;
    this.#patienceMs = options.patienceMs ?? 15_000;
    this.#audience = options.audience ?? (async () => ['']);
    this.#isShownAlready = options.isShownAlready ?? false;
  }

  /** @throws RigilError `daemon-unreachable` when nobody shows the answer in time, or that of the store */
  async put(key: string, answer: ChallengeAnswer, signal: AbortSignal): Promise<TakeDown> {
    const name = hash(key);
    const content = JSON.stringify({ key, answer, expiresAt: this.#clock.now() + LIFETIME_MS });
    const takeDown = async () => {
      // Whoever has put it up since goes on with the same order, and needs it.
      const now = await this.#documents.readDocument(['challenges', name]);
      if (now === null || now.toString('utf8') === content) await removeAnswer(this.#documents, name);
    };
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
    const showing = new Set<string>();
    for (;;) {
      const audience = await this.#audience();
      const missing = audience.filter((node) => !showing.has(node));
      for (const node of missing) {
        const seen = await this.#documents.readDocument(['challenges', shownName(name, node)]);
        if (seen?.toString('utf8') === expected) showing.add(node);
      }
      const isShown = this.#isShownAlready || showing.size > 0;
      if (isShown && audience.every((node) => showing.has(node))) return;
      signal.throwIfAborted();
      if (this.#clock.now() >= until) {
        if (isShown) return;
        throw new RigilError(
          'daemon-unreachable',
          'the running daemon did not take over the answer for the CA',
          {
            hint: 'see whether it is well with `rigil status`, and that it uses the same store',
          },
        );
      }
      await this.#clock.sleep(POLL_MS, signal);
    }
  }
}

export interface StoredAnswersOptions {
  /** How this daemon is called among those of the store. Default: it is the only one. */
  readonly node?: string;
}

/** Shows on `board` what commands and other daemons put into the store. Made by the daemon. */
export class StoredAnswers {
  readonly #documents: AnswerDocuments;
  readonly #board: Board;
  readonly #clock: Clock;
  readonly #onFault: (fault: unknown) => void;
  /** By name of the document. */
  readonly #shown = new Map<string, { readonly content: string; readonly takeDown: TakeDown }>();
  readonly #node: string;
  readonly #stopped = new AbortController();
  #looking: Promise<void> | null = null;
  #again = false;

  /** @param onFault told what went wrong; the next look tries again */
  constructor(
    documents: AnswerDocuments,
    board: Board,
    clock: Clock,
    onFault: (fault: unknown) => void,
    { node = '' }: StoredAnswersOptions = {},
  ) {
    this.#node = node;
    this.#documents = documents;
    this.#board = board;
    this.#clock = clock;
    this.#onFault = onFault;
  }

  /** Looks every second until the returned function is called. */
  watch(): () => void {
    const end = this.#clock.every(1_000, () => {
      if (this.#looking === null) this.lookSoon();
    });
    return () => {
      end();
      this.#stopped.abort();
    };
  }

  /** Looks now, or once more after the look that is under way: somebody knows that there is news. */
  lookSoon(): void {
    const { signal } = this.#stopped;
    if (signal.aborted) return;
    if (this.#looking !== null) {
      this.#again = true;
      return;
    }
    this.#again = false;
    this.#looking = this.look(signal)
      .catch(this.#onFault)
      .finally(() => {
        this.#looking = null;
        if (this.#again) this.lookSoon();
      });
  }

  /** Brings the board in line with the store, once. */
  async look(signal: AbortSignal): Promise<void> {
    const wanted = await this.#wanted();
    for (const [name, { takeDown }] of this.#shown) {
      if (wanted.has(name)) continue;
      this.#shown.delete(name);
      await takeDown();
      await this.#documents.removeDocument(['challenges', shownName(name, this.#node)]);
    }
    for (const [name, stored] of wanted) {
      const before = this.#shown.get(name);
      if (before?.content === stored.content) continue;
      const takeDown = await this.#board.put(stored.key, stored.answer, signal);
      await before?.takeDown();
      this.#shown.set(name, { content: stored.content, takeDown });
      await this.#documents.writeDocument(['challenges', shownName(name, this.#node)], hash(stored.content));
    }
  }

  /** What is in the store, by name of the document; what has expired or was left behind is removed. */
  async #wanted(): Promise<ReadonlyMap<string, StoredAnswer>> {
    const found = new Map<string, Buffer>();
    await this.#documents.readDocuments(['challenges'], (name, content) => void found.set(name, content));
    const wanted = new Map<string, StoredAnswer>();
    for (const [name, content] of found) {
      const shown = SHOWN_NAME.exec(name)?.[1];
      if (shown !== undefined && !found.has(shown)) {
        await this.#documents.removeDocument(['challenges', name]);
      }
      if (!ANSWER_NAME.test(name)) continue;
      const stored = readAnswer(content.toString('utf8'), name);
      if (stored === null) continue;
      if (stored.expiresAt > this.#clock.now()) wanted.set(name, stored);
      else await removeAnswer(this.#documents, name);
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
  const { key, answer, expiresAt } = Object(jsonOrNull(content));
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

/** Removes an answer and what the daemons said of it. */
async function removeAnswer(documents: AnswerDocuments, name: string): Promise<void> {
  await documents.removeDocument(['challenges', name]);
  for (const each of await documents.listDocuments(['challenges'])) {
    if (SHOWN_NAME.exec(each)?.[1] === name) await documents.removeDocument(['challenges', each]);
  }
}

function shownName(name: string, node: string): string {
  return node === '' ? `${name}.shown` : `${name}.shown-${node}`;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
