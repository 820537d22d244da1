import { createHash } from 'node:crypto';

/** Longest name that every file system takes is 255 bytes; something is added to ours. */
const LONGEST = 200;

const KEPT = /^[A-Za-z0-9._~-]$/;

/** Nearly every name there is. */
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9._~-]{0,199}$/;

/**
 * A name as one part of a path. Whatever the name is, the part stays inside its folder, is not hidden, and belongs to
 * this name only: `*.example.com` becomes `_wildcard.example.com`, and all but letters, digits and `._~-` is written
 * as `%` and two hex digits.
 */
export function toSegment(name: string): string {
  if (PLAIN.test(name)) return name;
  const [start, rest] = /^\*(\.|$)/.test(name)
    ? ['_wildcard', name.slice(1)]
    : name.startsWith('_wildcard') || name.startsWith('.')
      ? [escapeByte(name.charCodeAt(0)), name.slice(1)]
      : ['', name];
  const segment = start + Array.from(Buffer.from(rest), escapeOrKeep).join('');
  if (segment === '') return '%';
  if (segment.length <= LONGEST) return segment;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 32);
  return `${segment.slice(0, LONGEST - hash.length).replace(/%.?$/, '')}%${hash}`;
}

/** The name that {@link toSegment} wrote, or null when it was too long to be written in full. */
export function fromSegment(segment: string): string | null {
  if (segment === '%') return '';
  try {
    const name = decodeURIComponent(segment);
    const wildcard = segment.startsWith('_wildcard') ? `*${name.slice('_wildcard'.length)}` : name;
    return toSegment(wildcard) === segment ? wildcard : null;
  } catch {
    return null;
  }
}

function escapeOrKeep(byte: number): string {
  const character = String.fromCharCode(byte);
  return KEPT.test(character) ? character : escapeByte(byte);
}

function escapeByte(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}
