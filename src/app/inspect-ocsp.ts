import type { InspectOptions } from '../ocsp/inspect.ts';
import { isBad, type OcspReport } from '../ocsp/report.ts';
import type { StoredCertificate } from '../ocsp/subject.ts';
import { systemClock } from '../platform/clock.ts';
import { systemFetch } from '../platform/fetch.ts';
import { systemRandom } from '../platform/random.ts';

export type { InspectOptions } from '../ocsp/inspect.ts';
export type { Problem } from '../ocsp/problem.ts';
export type { AnswerReport, OcspReport } from '../ocsp/report.ts';

/**
 * Looks at a target with the network and the clock of this machine.
 *
 * @param loadCertificate gets a certificate and its staple out of the store
 * @returns the report, and whether the staple or the answer is bad
 * @throws RigilError as `inspect` does
 */
export async function inspectOcsp(
  options: InspectOptions,
  loadCertificate: (name: string) => Promise<StoredCertificate>,
): Promise<{ readonly report: OcspReport; readonly bad: boolean }> {
  // The ASN.1 libraries take some 80 ms to load, which `--help` need not.
  const { inspect } = await import('../ocsp/inspect.ts');
  const ports = { fetch: systemFetch, clock: systemClock, random: systemRandom, loadCertificate };
  const report = await inspect(options, ports, new AbortController().signal);
  return { report, bad: isBad(report) };
}
