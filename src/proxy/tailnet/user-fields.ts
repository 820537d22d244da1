import type { RawHeaders } from '../exchange.ts';

/** Longest value, in characters before it is encoded. */
const LONGEST = 512;
/** An encoded word has at most 75 characters (RFC 2047 2), 12 of which stand around the text. */
const WORD_BYTES = 63;

/**
 * The header fields that name the user of a device, out of the answer to `whois`: JSON with the device as `Node` and its
 * user as `UserProfile`. None for a device with tags, which belongs to no user; null for what is no such answer.
 *
 * Every value is printable ASCII, so that it can be written into a head as it is.
 */
export function userFields(json: string): RawHeaders | null {
  const { Node: node, UserProfile: user } = (parsed(json) ?? {}) as {
    readonly Node?: { readonly Tags?: unknown };
    readonly UserProfile?: Readonly<Record<string, unknown>>;
  };
  if (typeof node !== 'object' || node === null || typeof user !== 'object' || user === null) return null;
  const { LoginName: login, DisplayName: name, ProfilePicURL: picture } = user;
  if (typeof login !== 'string' || login === '') return null;
  if (Array.isArray(node.Tags) && node.Tags.length > 0) return [];
  const fields = ['Tailscale-User-Login', encoded(login)];
  if (typeof name === 'string' && name !== '') fields.push('Tailscale-User-Name', encoded(name));
  if (typeof picture === 'string' && /^[!-~]{1,2048}$/.test(picture)) {
    fields.push('Tailscale-User-Profile-Pic', picture);
  }
  return fields;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

/** ASCII as it is, all else as words of RFC 2047 4.2 in UTF-8: the form in which Tailscale's own proxy writes names. */
function encoded(text: string): string {
  const cut = text.slice(0, LONGEST);
  if (/^[ -~]*$/.test(cut)) return cut.trim();
  const words: string[] = [];
  let word = '';
  for (const character of cut) {
    const bytes = quoted(character);
    if (word.length + bytes.length > WORD_BYTES) {
      words.push(word);
      word = '';
    }
    word += bytes;
  }
  return [...words, word].map((each) => `=?utf-8?q?${each}?=`).join(' ');
}

function quoted(character: string): string {
  if (character === ' ') return '_';
  if (/^[!-~]$/.test(character) && !'=?_'.includes(character)) return character;
  return [...Buffer.from(character)]
    .map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
}
