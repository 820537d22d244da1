import { type Handler, json } from './http-server.ts';

export interface CloudflareRecord {
  readonly id: string;
  readonly zone: string;
  readonly type: string;
  readonly name: string;
  readonly content: string;
  readonly ttl: number;
}

/** The part of Cloudflare's API, version 4, that edits records, for zones `id → name`. */
export function cloudflareServer(options: {
  readonly zones: Readonly<Record<string, string>>;
  /** Token → the zones that it may see and edit. */
  readonly tokens: Readonly<Record<string, readonly string[]>>;
}): { readonly handler: Handler; readonly records: CloudflareRecord[] } {
  const records: CloudflareRecord[] = [];
  let nextId = 1;
  const failure = (status: number, code: number, message: string) =>
    json(status, { success: false, errors: [{ code, message }], messages: [], result: null });
  const success = (result: unknown) => json(200, { success: true, errors: [], messages: [], result });

  const handler: Handler = ({ method, path, query, headers, body }) => {
    const allowed = options.tokens[/^Bearer (.+)$/.exec(headers['authorization'] ?? '')?.[1] ?? ''];
    if (allowed === undefined) return failure(403, 9109, 'Invalid access token');
    if (method === 'GET' && path === '/zones') {
      const found = Object.entries(options.zones).filter(
        ([id, name]) => allowed.includes(id) && name === query.get('name'),
      );
      return success(found.map(([id, name]) => ({ id, name, status: 'active' })));
    }
    const [, zone = '', record] = /^\/zones\/([^/]+)\/dns_records(?:\/([^/]+))?$/.exec(path) ?? [];
    if (!allowed.includes(zone)) return failure(403, 10000, 'Authentication error');
    switch (`${method} ${record === undefined ? 'all' : 'one'}`) {
      case 'GET all': {
        const wanted = records.filter(
          (each) => each.zone === zone && each.type === query.get('type') && each.name === query.get('name'),
        );
        return success(wanted);
      }
      case 'POST all': {
        const { type, name, content, ttl } = JSON.parse(body);
        if (!/^".*"$/.test(content)) return failure(400, 1004, 'DNS Validation Error');
        if (ttl < 60)
          return failure(400, 9021, 'TTL must be between 60 and 86400 seconds, or 1 for Automatic.');
        if (records.some((each) => each.zone === zone && each.name === name && each.content === content)) {
          return failure(400, 81058, 'An identical record already exists.');
        }
        const created = { id: `r${nextId++}`, zone, type, name, content, ttl };
        records.push(created);
        return success(created);
      }
      case 'DELETE one': {
        const index = records.findIndex((each) => each.zone === zone && each.id === record);
        if (index === -1) return failure(404, 81044, 'Record does not exist.');
        records.splice(index, 1);
        return success({ id: record });
      }
      default:
        return failure(405, 10405, 'Method not allowed');
    }
  };
  return { handler, records };
}
