import { RigilError, systemCodeOf } from '../errors.ts';
import { toPem } from '../x509/pem.ts';
import { type OcspCertificate, readCertificate, readCertificates } from './certificate.ts';
import { readCertificateFile } from './certificate-file.ts';
import type { HttpPorts } from './fetch.ts';
import { readServer } from './live-server.ts';
import { printable } from './printable.ts';
import type { OcspReport } from './report.ts';
import { parseServername, parseTarget } from './target.ts';

export interface SubjectOptions {
  /** As {@link parseTarget} reads it. */
  readonly target: string;
  /** The target is a name in the store. */
  readonly stored: boolean;
  /** Name to ask a server for (SNI); null = the host. */
  readonly servername: string | null;
}

export interface SubjectPorts extends HttpPorts {
  /** @throws RigilError `name-unknown` when the store has no such certificate */
  readonly loadCertificate: (name: string) => Promise<StoredCertificate>;
}

/** A certificate of the store with the staple that is kept for it. */
export interface StoredCertificate {
  /** PEM, leaf first. */
  readonly chain: string;
  readonly staple: Uint8Array | null;
}

/** What is inspected, wherever it came from. */
export interface Subject {
  /** For people: `example.com:443`, a path or a name. */
  readonly label: string;
  readonly source: OcspReport['source'];
  readonly certificate: OcspCertificate;
  /** What came with it. */
  readonly others: readonly OcspCertificate[];
  readonly staple: Uint8Array | null;
  /** Why a server's chain is not trusted, as OpenSSL calls it; null = it is, or was not checked. */
  readonly distrust: string | null;
}

/**
 * Gets what the target names.
 *
 * @param ca further certificates to trust
 * @throws RigilError as `inspect` does
 */
export async function readSubject(
  options: SubjectOptions,
  ca: readonly OcspCertificate[],
  ports: SubjectPorts,
  signal: AbortSignal,
): Promise<Subject> {
  const target = parseTarget(options.target, options);
  switch (target.kind) {
    case 'file':
      return subjectFrom(target.path, 'file', await readCertificateFile(target.path));
    case 'stored':
      return readStored(target.name, ports);
    case 'server':
      return readLive(target, options, ca, ports, signal);
    default:
      return target satisfies never;
  }
}

async function readLive(
  { host, port }: { readonly host: string; readonly port: number },
  options: SubjectOptions,
  ca: readonly OcspCertificate[],
  ports: SubjectPorts,
  signal: AbortSignal,
): Promise<Subject> {
  const servername = options.servername === null ? null : parseServername(options.servername);
  const address = { host, port, servername, ca: ca.map(({ der }) => toPem('CERTIFICATE', der)) };
  try {
    const { chain, staple, distrust } = await readServer(address, ports.clock, signal);
    const label = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    return subjectFrom(label, 'server', chain.map(readCertificate), staple, distrust);
  } catch (error) {
    // A name that the DNS does not have may be one of the store: certificates can be there first.
    if (!(error instanceof RigilError) || systemCodeOf(error.cause) !== 'ENOTFOUND') throw error;
    return readStored(options.target.toLowerCase(), ports).catch(() => Promise.reject(error));
  }
}

async function readStored(name: string, ports: SubjectPorts): Promise<Subject> {
  const { chain, staple } = await ports.loadCertificate(name);
  return subjectFrom(name, 'stored', readCertificates(Buffer.from(chain)), staple);
}

function subjectFrom(
  label: string,
  source: Subject['source'],
  [certificate, ...others]: readonly OcspCertificate[],
  staple: Uint8Array | null = null,
  distrust: string | null = null,
): Subject {
  const text = printable(label);
  if (certificate === undefined) throw new RigilError('certificate-unusable', `${text} has no certificate`);
  return { label: text, source, certificate, others, staple, distrust };
}
