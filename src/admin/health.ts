import type { CertificateView } from '../certs/view.ts';
import type { Status } from './status.ts';

/** Whether all is served that the configuration asks for, and if not, why: one sentence each. */
export interface Health {
  readonly healthy: boolean;
  readonly problems: readonly string[];
}

/**
 * Judges a daemon. Certificates that no route shows do not count, nor does one that is due for renewal: its time is
 * not over, and retrying is the program's own business.
 */
export function healthOf({
  workers,
  routes,
  certificates,
}: Pick<Status, 'workers' | 'routes' | 'certificates'>): Health {
  const byId = new Map(certificates.map((certificate) => [certificate.id, certificate]));
  const problems = [...new Set(routes.map((route) => route.certificate))]
    .map((id) => problemOf(id, byId.get(id)))
    .filter((problem) => problem !== null);
  if (workers.length === 0) problems.unshift('no worker is ready');
  return { healthy: problems.length === 0, problems };
}

/** The text of `/healthz`: `ok`, or a line for each problem. */
export function healthText({ healthy, problems }: Health): string {
  return healthy ? 'ok\n' : `${problems.join('\n')}\n`;
}

function problemOf(id: string, certificate: CertificateView | undefined): string | null {
  switch (certificate?.status) {
    case 'valid':
    case 'expiring':
      return null;
    case 'expired':
      return `certificate ${id} expired on ${certificate.notAfter ?? 'an unknown day'}${reasonOf(certificate)}`;
    case undefined:
    case 'missing':
      return `certificate ${id} is missing${reasonOf(certificate)}`;
    case 'blocked':
      return `certificate ${id} is missing and waits for another configuration${reasonOf(certificate)}`;
    default:
      return certificate?.status satisfies never;
  }
}

function reasonOf(certificate: CertificateView | undefined): string {
  const error = certificate?.lastError ?? null;
  return error === null ? '' : `: ${error.message} (${error.code})`;
}
