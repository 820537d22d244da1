/** How urgently a response is wanted (RFC 9218 4). */
export interface Priority {
  /** 0 (first) to 7. */
  readonly urgency: number;
  /** Whether parts of it are of use, so that it may share the connection with others of the same urgency. */
  readonly incremental: boolean;
}

export const DEFAULT_PRIORITY: Priority = { urgency: 3, incremental: false };

/**
 * Reads a Priority field or the value of a PRIORITY_UPDATE frame. It is a dictionary of RFC 8941; as a hint that nothing
 * depends on, one that cannot be read is as if it were not there, and so is a member with a value that it cannot have.
 */
export function parsePriority(text: string): Priority {
  let { urgency, incremental } = DEFAULT_PRIORITY;
  if (text.length > LONGEST) return DEFAULT_PRIORITY;
  let at = leadingBlanks(text, 0);
  while (at < text.length) {
    MEMBER.lastIndex = at;
    const match = MEMBER.exec(text);
    if (match === null) return DEFAULT_PRIORITY;
    const [whole, key, value = '?1'] = match;
    if (key === 'u' && /^[0-7]$/.test(value)) urgency = Number(value);
    if (key === 'i' && /^\?[01]$/.test(value)) incremental = value === '?1';
    at = leadingBlanks(text, at + whole.length);
    if (at === text.length) break;
    const next = leadingBlanks(text, at + 1);
    if (text[at] !== ',' || next === text.length) return DEFAULT_PRIORITY;
    at = next;
  }
  return { urgency, incremental };
}

/** Nobody has more to say; what is longer is not looked at. */
const LONGEST = 256;

/** A key, its value and parameters (RFC 8941 4.2.2). Inner lists mean nothing here and are not read. */
const MEMBER = member();

function member(): RegExp {
  const key = '[a-z*][a-z0-9_.*-]*';
  const item = [
    '-?[0-9]{1,15}(?:\\.[0-9]{1,3})?',
    '"(?:[ !#-\\[\\]-~]|\\\\["\\\\])*"',
    "[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*",
    ':[A-Za-z0-9+/=]*:',
    '\\?[01]',
  ].join('|');
  return new RegExp(`(${key})(?:=(${item}))?(?:; *${key}(?:=(?:${item}))?)*`, 'y');
}

function leadingBlanks(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\t') at += 1;
  return at;
}
