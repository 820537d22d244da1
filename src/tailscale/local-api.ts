import { messageOf, Refusal, RigilError, systemCodeOf } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { HttpExchange, HttpResponse } from '../platform/http.ts';

/** What the Tailscale daemon says of itself, as far as it matters here. */
export interface TailscaleStatus {
  /** `Running` when the machine is in a tailnet; else `NeedsLogin`, `Stopped` and the like. */
  readonly state: string;
  /** Whether the addresses are those of an interface of this machine. In userspace mode they are not. */
  readonly hasInterface: boolean;
  /** IP addresses of this machine in its tailnet. */
  readonly addresses: readonly string[];
  /** Names that it can get certificates for. */
  readonly certDomains: readonly string[];
}

export interface LocalApiOptions {
  /** Path of the daemon's socket. */
  readonly socket: string;
  readonly http: HttpExchange;
  readonly clock: Clock;
}

/** Longest that a `Retry-After` is believed, in milliseconds. */
const LONGEST_REST_MS = 7 * 24 * 3_600_000;

/**
 * The API of the Tailscale daemon on this machine: HTTP over a Unix socket, in which the daemon knows its callers by
 * their user. The paths are those that Tailscale's own command line uses (`/localapi/v0`).
 */
export class LocalApi {
  readonly #options: LocalApiOptions;

  constructor(options: LocalApiOptions) {
    this.#options = options;
  }

  /** @throws RigilError `tailscale-unreachable`, `tailscale-refused` */
  async status(signal: AbortSignal): Promise<TailscaleStatus> {
    const { body } = await this.#get('status?peers=false', signal);
    const said = jsonObject(body);
    const addresses = stringsOf(said?.['TailscaleIPs']);
    const { BackendState: state, TUN: tun } = said ?? {};
    if (typeof state !== 'string') {
      throw new RigilError('tailscale-refused', 'what the Tailscale daemon says of itself is no status');
    }
    return { state, hasInterface: tun !== false, addresses, certDomains: stringsOf(said?.['CertDomains']) };
  }

  /**
   * Key and chain for one name, as PEM: what the daemon has, if that is good for at least `minValidityMs` milliseconds
   * more, else a new one, which may take a minute.
   *
   * @throws RigilError `tailscale-unreachable`, `tailscale-refused`, `rate-limited`
   */
  async certificatePair(name: string, minValidityMs: number, signal: AbortSignal): Promise<string> {
    const validity = minValidityMs > 0 ? `&min_validity=${Math.ceil(minValidityMs / 1000)}s` : '';
    const { body } = await this.#get(`cert/${encodeURIComponent(name)}?type=pair${validity}`, signal);
    return body;
  }

  async #get(path: string, signal: AbortSignal): Promise<HttpResponse> {
    const { socket, http, clock } = this.#options;
    // The daemon refuses requests with another host, or with an origin: they would come from a web page.
    const request = {
      method: 'GET',
      url: `http://local-tailscaled.sock/localapi/v0/${path}`,
      socketPath: socket,
    } as const;
    const answer = await http(request, signal).catch((error: unknown) => {
      throw unreachable(socket, error);
    });
    if (answer.status === 200) return answer;
    const said = answer.body.trim().slice(0, 300);
    if (answer.status === 403) {
      throw new RigilError('tailscale-refused', `the Tailscale daemon does not let this user: ${said}`, {
        hint: 'set TS_PERMIT_CERT_UID to the user that runs rigil in /etc/default/tailscaled and restart tailscaled',
      });
    }
    const seconds = answer.headers['retry-after'] ?? '';
    const rests = answer.status === 429 && /^\d{1,9}$/.test(seconds);
    const restMs = rests ? Math.min(Number(seconds) * 1000, LONGEST_REST_MS) : null;
    throw new Refusal(
      answer.status === 429 ? 'rate-limited' : 'tailscale-refused',
      `the Tailscale daemon answers ${answer.status}: ${said}`,
      { retryAt: restMs === null ? null : clock.now() + restMs },
    );
  }
}

function unreachable(socket: string, error: unknown): RigilError {
  const code = systemCodeOf(error);
  const why = code === 'ENOENT' ? 'there is no such socket' : (code ?? messageOf(error));
  const hint =
    code === 'EACCES' || code === 'EPERM'
      ? 'the user that runs rigil may not open the socket: look at its permissions and those of its folder'
      : 'start tailscaled, or name its socket: tailscale SOCKET';
  return new RigilError('tailscale-unreachable', `no Tailscale daemon at ${socket}: ${why}`, {
    hint,
    cause: error,
  });
}

function jsonObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}

function stringsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
}
