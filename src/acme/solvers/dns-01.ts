import { createHash } from 'node:crypto';
import type { DnsProvider, PropagationCheck } from '../../dns/provider.ts';
import { isIpAddress } from '../../x509/ip-address.ts';
import type { Solver } from './solver.ts';

/** Answers with a TXT record at `_acme-challenge.NAME` (RFC 8555 8.4). The only way for wildcards; not for addresses. */
export function dns01(provider: DnsProvider, propagation: PropagationCheck): Solver {
  return {
    type: 'dns-01',
    sharesAnswers: true,
    fits: (name) => !isIpAddress(name),
    present: async ({ domain, token, keyAuthorization }, signal) => {
      const record = {
        name: `_acme-challenge.${domain}`,
        value: createHash('sha256').update(keyAuthorization).digest('base64url'),
        domain,
        token,
        keyAuthorization,
      };
      const cleanUp = await provider.present(record, signal);
      try {
        await propagation.wait(record, signal);
      } catch (error) {
        // What stays behind does no harm; why the record was not seen is what matters.
        await cleanUp().catch(() => {});
        throw error;
      }
      return cleanUp;
    },
  };
}
