import { createPrivateKey } from 'node:crypto';
import { RigilError } from '../../errors.ts';
import { type Found, type FoundAccount, fieldsOf, NOTHING, parseJson, textOf, together } from './found.ts';

/**
 * Traefik's `acme.json`. Versions 2 and 3 have an object for each resolver, versions 1.7 and 2.0 a single one at the
 * top; certificates and keys are PEM in base64.
 *
 * @throws RigilError `target-unreadable`
 */
export function readTraefik(text: string, place: string): Found {
  if (text.trim() === '') return NOTHING;
  const top = fieldsOf(parseJson(text, place));
  const resolvers = top.has('certificates') || top.has('account') ? [['', top] as const] : [...top];
  const known = resolvers
    .map(([name, value]) => [name, value instanceof Map ? value : fieldsOf(value)] as const)
    .filter(([, fields]) => fields.has('certificates') || fields.has('account'));
  if (known.length === 0 && top.size > 0) {
    throw new RigilError('target-unreadable', `${place} is not an acme.json of Traefik`);
  }
  return together(
    known.map(([name, fields]) => readResolver(fields, name === '' ? place : `${place} ${name}`)),
  );
}

function readResolver(fields: ReadonlyMap<string, unknown>, place: string): Found {
  const account = readAccount(fieldsOf(fields.get('account')), place);
  const certificates = fields.get('certificates');
  const found = (Array.isArray(certificates) ? certificates : []).map((entry) =>
    readEntry(fieldsOf(entry), place),
  );
  return together([...found, { ...NOTHING, accounts: account === null ? [] : [account] }]);
}

function readEntry(entry: ReadonlyMap<string, unknown>, place: string): Found {
  const domain = fieldsOf(entry.get('domain'));
  const where = `${place} (${textOf(domain, 'main') ?? 'a certificate without a name'})`;
  const [chain, key] = [fromBase64(textOf(entry, 'certificate')), fromBase64(textOf(entry, 'key'))];
  if (chain === null || key === null) {
    return { ...NOTHING, unusable: [{ place: where, problem: 'it has no certificate or no key' }] };
  }
  return {
    ...NOTHING,
    certificates: [{ place: where, chain, key, origin: { kind: 'acme', directory: null } }],
  };
}

/** The key is DER, PKCS#1 or SEC 1, without a word which of them. */
function readAccount(account: ReadonlyMap<string, unknown>, place: string): FoundAccount | null {
  const url = textOf(fieldsOf(account.get('registration')), 'uri');
  const der = Buffer.from(textOf(account, 'privatekey') ?? '', 'base64');
  const key = pemOf(der);
  return url === null || key === null ? null : { place, url, key, email: textOf(account, 'email') };
}

function pemOf(der: Buffer): string | null {
  for (const type of ['pkcs1', 'sec1', 'pkcs8'] as const) {
    try {
      const key = createPrivateKey({ key: der, format: 'der', type });
      return key.export({ type: 'pkcs8', format: 'pem' }).toString();
    } catch {
      // Another form, or no key at all.
    }
  }
  return null;
}

function fromBase64(text: string | null): string | null {
  const decoded = text === null ? '' : Buffer.from(text, 'base64').toString('utf8');
  return decoded === '' ? null : decoded;
}
