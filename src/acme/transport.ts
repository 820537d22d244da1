import { Agent } from 'node:https';
import { RigilError, systemCodeOf } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import { deadline } from '../platform/deadline.ts';
import { type HttpResponse, LARGEST_BODY, systemHttp } from '../platform/http.ts';
import { plainText } from './untrusted.ts';

/** A request to a CA. `body` is a JWS (RFC 8555 6.2). */
export interface AcmeRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: string;
  readonly body?: string;
}

/** An answer of a CA, whatever its status. */
export interface AcmeReply {
  readonly status: number;
  /** Names in lower case; repeated ones joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** The JSON value when the CA says that it is JSON, else the text. */
  readonly data: unknown;
}

export interface TransportOptions {
  readonly clock: Clock;
  /** Sent as `User-Agent: rigil/<version>` (RFC 8555 6.1). */
  readonly version: string;
  /** PEM of the only roots to trust; null = the public ones. */
  readonly roots: string | null;
  /** Environment whose `HTTPS_PROXY` and `NO_PROXY` hold. Default: no proxy. */
  readonly environment?: Environment;
  /** Longest time for one request, from its start to the last byte of the answer. Default 15 000. */
  readonly timeoutMs?: number;
}

/** Variables as `process.env` gives them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Below the 5 s after which Node's servers hang up on an unused connection, so that no request meets a closed one. */
const IDLE_MS = 4_000;
const MOST_CONNECTIONS = 32;

/** HTTPS to one CA, with bounds on time, size and trust. Keeps connections open between requests, and nothing else. */
export class Transport {
  readonly #agent: Agent;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #headers: Readonly<Record<string, string>>;

  constructor({ clock, version, roots, environment, timeoutMs = 15_000 }: TransportOptions) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#headers = { 'user-agent': `rigil/${version}`, 'accept-language': 'en' };
    this.#agent = new Agent({
      keepAlive: true,
      timeout: IDLE_MS,
      maxSockets: MOST_CONNECTIONS,
      ...(roots === null ? {} : { ca: roots }),
      ...(environment === undefined ? {} : { proxyEnv: environment }),
    });
  }

  /**
   * Sends one request and reads the whole answer.
   *
   * @throws RigilError `issuer-unavailable` (no answer: whether the CA acted is not known), `issuer-untrusted`,
   *   `issuer-answer-invalid`; the signal's reason when it aborts
   */
  async send({ method, url, body }: AcmeRequest, signal: AbortSignal): Promise<AcmeReply> {
    using limit = deadline(this.#clock, this.#timeoutMs, signal);
    const request = {
      method,
      url,
      agent: this.#agent,
      ...(body === undefined
        ? { headers: this.#headers }
        : { body, headers: { ...this.#headers, 'content-type': 'application/jose+json' } }),
    };
    const response = await systemHttp(request, limit.signal).catch((error: unknown) => {
      signal.throwIfAborted();
      throw networkError(new URL(url).host, error, limit.passed ? this.#timeoutMs : null);
    });
    return { status: response.status, headers: response.headers, data: decode(response, new URL(url).host) };
  }

  /** Closes the unused connections. */
  close(): void {
    this.#agent.destroy();
  }
}

function decode({ status, headers, body }: HttpResponse, host: string): unknown {
  if (status >= 300 && status < 400) {
    throw new RigilError('issuer-answer-invalid', `${host} answered with a redirect, which is not followed`, {
      hint: 'set `directory` to the address that the CA documents',
    });
  }
  if (!/^application\/([a-z.+-]+\+)?json\b/i.test(headers['content-type'] ?? '') || body === '') return body;
  try {
    return JSON.parse(body);
  } catch (cause) {
    // The status of a refusal says enough; a success that cannot be read is no success.
    if (status >= 400) return body;
    throw new RigilError('issuer-answer-invalid', `${host} sent JSON that cannot be read`, { cause });
  }
}

function networkError(host: string, cause: unknown, passedMs: number | null): RigilError {
  const code = plainText(systemCodeOf(cause) ?? 'the connection failed');
  if (code === 'ERESPONSESIZE') {
    return new RigilError('issuer-answer-invalid', `${host} sent more than ${LARGEST_BODY} bytes`, { cause });
  }
  if (UNTRUSTED.test(code)) {
    return new RigilError('issuer-untrusted', `the certificate of ${host} is not trusted: ${code}`, {
      cause,
      hint: 'name the root of a private CA with `ca-root FILE` in the issuer section, and check the clock',
    });
  }
  const why = passedMs === null ? code : `nothing within ${passedMs / 1000} s`;
  return new RigilError('issuer-unavailable', `no answer from ${host}: ${why}`, {
    cause,
    hint: 'check the network and `directory` in the issuer section; rigil tries again later',
  });
}

/** Codes of OpenSSL's verification and of Node's check of the name. */
const UNTRUSTED = /^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_CERT_|HOSTNAME_MISMATCH|INVALID_)/;
