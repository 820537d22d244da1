import { RigilError } from '../../errors.ts';
import type { Clock } from '../../platform/clock.ts';
import { isIpAddress } from '../../x509/ip-address.ts';
import { domainNames } from '../directory.ts';
import { permits, persistentRecord } from './persistent-record.ts';
import type { Solver } from './solver.ts';

/** The TXT values at a name; none when there are none. */
export type LookUpTxt = (name: string, signal: AbortSignal) => Promise<readonly string[]>;

/**
 * A TXT record that the operator sets once (draft-ietf-acme-dns-persist; experimental). Never writes to the DNS: it looks whether a
 * record is there that permits the account, and otherwise says which one to set.
 */
export function dnsPersist01(lookUpTxt: LookUpTxt, clock: Clock): Solver {
  return {
    type: 'dns-persist-01',
    tokenless: true,
    fits: (name) => !isIpAddress(name),
    present: async ({ name, domain, challenge, account }, signal) => {
      const offered = challenge.raw['issuerDomainNames'] ?? challenge.raw['issuer-domain-names'];
      const named = domainNames(offered);
      const subject = {
        domain,
        wildcard: name.startsWith('*.'),
        issuers: named.length > 0 ? named : account.issuerDomainNames,
        account,
      };
      const record = persistentRecord(subject);
      const values = await lookUpTxt(record.name, signal);
      if (values.some((value) => permits(value, subject, clock.now()))) return async () => {};
      throw new RigilError(
        'challenge-record-missing',
        `${record.name} has no TXT record that permits this account`,
        {
          hint: `set: ${record.name} TXT "${record.value}"`,
        },
      );
    },
  };
}
