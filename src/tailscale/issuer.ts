import type { Issued, Issuer, Order } from '../certs/ports.ts';
import { codeOf, RigilError } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import { splitPem } from '../x509/pem.ts';
import { readPrivateKey } from '../x509/private-key.ts';
import type { LocalApi } from './local-api.ts';

/** How much longer than what is replaced a new certificate has to live, in milliseconds. */
const LONGER_MS = 60_000;

export interface TailscaleIssuerOptions {
  readonly name: string;
  /** Longest time for one certificate, in milliseconds. */
  readonly timeoutMs: number;
  readonly api: Pick<LocalApi, 'status' | 'certificatePair'>;
  readonly clock: Clock;
}

/**
 * The Tailscale daemon of this machine as an issuer. It has the certificate for the machine's name made by a public CA
 * (Let's Encrypt), whose challenge Tailscale's own DNS answers, and keeps it; who asks gets a copy. There is no
 * advice on renewal: that goes by the time left.
 */
export class TailscaleIssuer implements Issuer {
  readonly name: string;
  readonly timeoutMs: number;
  readonly #api: TailscaleIssuerOptions['api'];
  readonly #clock: Clock;

  constructor({ name, timeoutMs, api, clock }: TailscaleIssuerOptions) {
    this.name = name;
    this.timeoutMs = timeoutMs;
    this.#api = api;
    this.#clock = clock;
  }

  /**
   * @throws RigilError `tailscale-unreachable`, `tailscale-refused`, `rate-limited`, `identifier-refused` (more than one
   *   name), `certificate-unusable`
   */
  async issue({ names, replaces }: Order, signal: AbortSignal): Promise<Issued> {
    const [name, ...others] = names;
    if (name === undefined || others.length > 0) {
      throw new RigilError(
        'identifier-refused',
        `Tailscale certifies one name at a time, not ${names.length}`,
        { hint: 'make a route for each name, or name the one for the certificate with `subject`' },
      );
    }
    // The daemon has perhaps renewed it already: then that one is taken. Asked for no more than it has, it would give
    // the old one again.
    const leftMs = replaces === null ? 0 : Math.max(0, replaces.notAfter - this.#clock.now());
    const minValidityMs = replaces === null ? 0 : leftMs + LONGER_MS;
    try {
      return pairOf(await this.#api.certificatePair(name, minValidityMs, signal));
    } catch (error) {
      if (signal.aborted || codeOf(error) !== 'tailscale-refused') throw error;
      throw await this.#explained(name, error, signal);
    }
  }

  /** The daemon gives one status for all that can be wrong; what it says of itself tells more. */
  async #explained(name: string, error: unknown, signal: AbortSignal): Promise<unknown> {
    const status = await this.#api.status(signal).catch(() => null);
    if (status === null) return error;
    const { state, certDomains } = status;
    if (state !== 'Running') return refused(`this machine is in no tailnet: ${state}`, 'tailscale up', error);
    if (certDomains.length === 0) {
      const hint = 'enable HTTPS certificates in the admin console, under DNS';
      return refused('this tailnet has no certificates', hint, error);
    }
    if (certDomains.includes(name)) return error;
    const message = `Tailscale certifies ${certDomains.join(', ')} on this machine, and not ${name}`;
    return refused(message, 'give the route that name', error);
  }
}

function refused(message: string, hint: string, cause: unknown): RigilError {
  return new RigilError('tailscale-refused', message, { hint, cause });
}

/** The daemon sends the key first, in the form of SEC 1. */
function pairOf(text: string): Issued {
  const blocks = splitPem(text);
  const keys = blocks.filter(({ label }) => label.endsWith('PRIVATE KEY'));
  const chain = blocks.filter(({ label }) => label === 'CERTIFICATE').map((block) => block.text);
  const [key, ...more] = keys;
  if (key === undefined || more.length > 0 || chain.length === 0) {
    throw new RigilError('certificate-unusable', 'what the Tailscale daemon sent is no key and a chain');
  }
  const pkcs8 = readPrivateKey(key.text).export({ type: 'pkcs8', format: 'pem' });
  return { chain: chain.join(''), key: pkcs8.toString() };
}
