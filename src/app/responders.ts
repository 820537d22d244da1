import type { Issuer } from '../certs/ports.ts';
import type { Config } from '../config/config.ts';
import { InternalCa } from '../internal-ca/internal-ca.ts';
import { Responder } from '../internal-ca/responder.ts';
import { addressText } from '../platform/bind.ts';
import type { WantedServer } from './control-servers.ts';

/** The OCSP responders of the local CAs. A responder belongs to an address; whose answers it gives may change. */
export class Responders {
  /** By the address of the responder. */
  #authorities: ReadonlyMap<string, InternalCa> = new Map();

  /** The local CAs that have one. */
  get authorities(): readonly InternalCa[] {
    return [...this.#authorities.values()];
  }

  /** Those that a configuration wants. */
  serversOf({ issuers }: Config): WantedServer[] {
    return issuers.flatMap(({ ocsp }) => {
      if (ocsp === null) return [];
      const make = () => new Responder(() => this.#authorities.get(addressText(ocsp)) ?? null);
      return [{ role: 'ocsp', address: ocsp, make }];
    });
  }

  /** Gives the answers of these issuers from now on. */
  use({ issuers: sections }: Config, issuers: ReadonlyMap<string, Issuer>): void {
    this.#authorities = new Map(
      sections.flatMap(({ name, ocsp }) => {
        const issuer = issuers.get(name);
        return ocsp !== null && issuer instanceof InternalCa ? [[addressText(ocsp), issuer] as const] : [];
      }),
    );
  }
}
