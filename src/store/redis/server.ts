/** Which Redis it is, and how to get in. */
export interface RedisServer {
  /** `single`: one server; `sentinel`: sentinels that know which one is the master; `cluster`: some nodes of a cluster. */
  readonly mode: 'single' | 'sentinel' | 'cluster';
  readonly tls: boolean;
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly user: string | null;
  readonly password: string | null;
  readonly database: number;
  /** What sentinels call the master; null otherwise. */
  readonly master: string | null;
  /** For sentinels that want a password of their own. */
  readonly sentinelPassword: string | null;
  /** PEM of the roots to trust; null = those of the system. */
  readonly roots: string | null;
}

/** The server for people: without user and password. */
export function serverText({ mode, tls, hosts, database, master }: RedisServer): string {
  const scheme = `${tls ? 'rediss' : 'redis'}${mode === 'single' ? '' : `+${mode}`}`;
  const list = hosts.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',');
  return `${scheme}://${list}${master === null ? '' : `/${master}`}${database === 0 ? '' : `/${database}`}`;
}
