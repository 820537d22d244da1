/** How a field is written: into the dynamic table, past it, or so that no other hop may put it into one either. */
export type Indexing = 'indexed' | 'plain' | 'never';

/**
 * Which fields are worth a place in the dynamic table.
 *
 * Those that differ from message to message would only push others out. Secrets that somebody could guess piece by
 * piece from the sizes of compressed messages never go in (RFC 7541 7.1.3).
 */
export function indexingOf(name: string): Indexing {
  return NEVER.has(name) ? 'never' : PLAIN.has(name) ? 'plain' : 'indexed';
}

/** A cookie shorter than this, in bytes, is guessed too easily; longer ones are worth compressing. */
export const SHORT_COOKIE = 20;

const NEVER: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization']);

const PLAIN: ReadonlySet<string> = new Set([
  ':path',
  'age',
  'content-length',
  'content-range',
  'etag',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-unmodified-since',
  'last-modified',
  'location',
  'range',
  'set-cookie',
]);
