import { type Handler, json } from './http-server.ts';

export interface AcmeDnsServer {
  readonly handler: Handler;
  /** The two values that the DNS side would answer with. */
  valuesOf(subdomain: string): readonly string[];
}

interface Row {
  value: string;
  /** In whole seconds, as the database of acme-dns has it. */
  updatedAt: number;
}

/**
 * acme-dns's API: registration, and updates that replace the older of two values.
 *
 * @param now the server's clock, in milliseconds
 */
export function acmeDnsServer(domain: string, now: () => number): AcmeDnsServer {
  const accounts = new Map<string, { readonly password: string; readonly subdomain: string }>();
  const rows = new Map<string, readonly [Row, Row]>();
  const bodyOf = (text: string): Record<string, unknown> | null => {
    try {
      return JSON.parse(text);
    } catch {
      return null;
    }
  };
  return {
    valuesOf: (subdomain) =>
      (rows.get(subdomain) ?? []).map((row) => row.value).filter((value) => value !== ''),
    handler({ method, path, headers, body }) {
      if (method !== 'POST') return { status: 405 };
      const parsed = bodyOf(body);
      if (path === '/register') {
        if (parsed === null) return json(400, { error: 'malformed_json_payload' });
        const number = String(accounts.size + 1);
        const account = {
          username: `user-${number}`,
          password: `pass-word-${number}`,
          subdomain: `sub-${number}`,
        };
        accounts.set(account.username, account);
        rows.set(account.subdomain, [
          { value: '', updatedAt: 0 },
          { value: '', updatedAt: 0 },
        ]);
        return json(201, { ...account, fulldomain: `${account.subdomain}.${domain}`, allowfrom: [] });
      }
      if (path !== '/update') return { status: 404 };
      const account = accounts.get(headers['x-api-user'] ?? '');
      if (
        account === undefined ||
        account.password !== headers['x-api-key'] ||
        account.subdomain !== parsed?.['subdomain']
      ) {
        return json(401, { error: 'forbidden' });
      }
      const txt = String(parsed['txt']);
      if (!/^[A-Za-z0-9_-]{43}$/.test(txt)) return json(400, { error: 'bad_txt' });
      const [first, second] = rows.get(account.subdomain) ?? [];
      if (first === undefined || second === undefined) return json(500, { error: 'db_error' });
      const older = second.updatedAt < first.updatedAt ? second : first;
      older.value = txt;
      older.updatedAt = Math.floor(now() / 1000);
      return json(200, { txt });
    },
  };
}
