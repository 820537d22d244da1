import { RigilError } from '../../errors.ts';
import {
  type Found,
  type FoundAccount,
  fieldsOf,
  NOTHING,
  type Origin,
  parseJson,
  textOf,
  together,
} from './found.ts';

/**
 * The certificates of Centauri's `certs.json`: an array of objects, each with its PEM chain and key.
 *
 * @throws RigilError `target-unreadable`
 */
export function readCentauriCertificates(text: string, place: string): Found {
  // Centauri writes `null` when it has none, and takes an empty file for none.
  const entries = text.trim() === '' ? [] : (parseJson(text, place) ?? []);
  if (!Array.isArray(entries)) {
    throw new RigilError('target-unreadable', `${place} is not Centauri's list of certificates`);
  }
  return together(entries.map((entry, index) => readEntry(entry, `${place} entry ${index + 1}`)));
}

function readEntry(entry: unknown, place: string): Found {
  const fields = fieldsOf(entry);
  const subject = textOf(fields, 'subject');
  const where = subject === null ? place : `${place} (${subject})`;
  const [chain, key] = [textOf(fields, 'certificate'), textOf(fields, 'privatekey')];
  if (chain === null || key === null) {
    return { ...NOTHING, unusable: [{ place: where, problem: 'it has no certificate or no key' }] };
  }
  return {
    ...NOTHING,
    certificates: [{ place: where, chain, key, origin: originOf(textOf(fields, 'provider')) }],
  };
}

function originOf(provider: string | null): Origin {
  if (provider === 'lego') return { kind: 'acme', directory: null };
  return { kind: provider === 'selfsigned' ? 'self-signed' : 'unknown' };
}

/**
 * The account in Centauri's `user.pem`, which is JSON in spite of its name; null when it was never registered.
 *
 * @throws RigilError `target-unreadable`
 */
export function readCentauriAccount(text: string, place: string): FoundAccount | null {
  const user = fieldsOf(parseJson(text, place));
  const key = textOf(user, 'key');
  if (key === null) throw new RigilError('target-unreadable', `${place} holds no account key`);
  const url = textOf(fieldsOf(user.get('registration')), 'uri');
  return url === null ? null : { place, key, url, email: textOf(user, 'email') };
}
