import { didYouMean } from '../../text/closest.ts';
import type { HeaderRule } from '../config.ts';
import { Fault } from '../fault.ts';
import { quote } from '../text/quote.ts';

const ACTIONS = ['add', 'replace', 'default', 'delete'] as const;
type Action = (typeof ACTIONS)[number];

/** A rule as it was read, before its name and value are looked at. `value` is null for `delete`. */
interface Reading {
  readonly action: Action;
  readonly name: string;
  readonly value: string | null;
}

/**
 * What stands behind `header`: `add|replace|default NAME VALUE` or `delete NAME`.
 *
 * Centauri separates action, name and value by exactly one space each and keeps everything behind that as the value.
 * Where it takes a line, its reading counts; where it does not, runs of spaces and tabs separate as everywhere else.
 * A Fault with the code `header-without-effect` is a doubt: Centauri takes such a rule, and nothing ever comes of it.
 */
export function parseHeaderRule(text: string): HeaderRule | Fault {
  const reading = strictReading(text) ?? lenientReading(text);
  if (reading instanceof Fault) return reading;
  const { action, name, value } = reading;
  if (name === '') {
    const hint = 'put exactly one space between the action, the name and the value';
    return new Fault(
      'header-without-effect',
      'has two spaces before the name, so that the name is empty',
      hint,
    );
  }
  // A field name is a token (RFC 9110 5.1).
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) {
    const hint = /\s/.test(name) ? 'put exactly one space, no tab, between the name and the value' : null;
    return new Fault('header-without-effect', `names no header: ${quote(name)} is no header name`, hint);
  }
  if (action === 'delete' || value === null) return { action: 'delete', name };
  if (/(?!\t)\p{Cc}/u.test(value)) {
    return new Fault('header-without-effect', `has a control character in the value of ${name}`);
  }
  if (/^(content-length|transfer-encoding)$/i.test(name)) {
    const message = `sets ${name}, which depends on how the response is sent`;
    return new Fault('header-without-effect', message, 'only "header delete" makes sense for it');
  }
  return { action, name, value };
}

/** How Centauri reads it, or null where Centauri rejects it. */
function strictReading(text: string): Reading | null {
  const [word = '', name, ...rest] = text.split(' ');
  const action = actionOf(word);
  if (action === null || name === undefined) return null;
  if (action === 'delete') return rest.length === 0 ? { action, name, value: null } : null;
  return rest.length > 0 ? { action, name, value: rest.join(' ') } : null;
}

function lenientReading(text: string): Reading | Fault {
  const [, word = '', name, value] = /^\s*(\S*)(?:\s+(\S+)(?:\s+(\S.*))?)?$/s.exec(text) ?? [];
  const action = actionOf(word);
  if (action === null) {
    const near = word.toLowerCase() === 'remove' ? 'did you mean "delete"?' : didYouMean(word, ACTIONS);
    const message = word === '' ? 'does not say what to do' : `has no action named ${quote(word)}`;
    return new Fault('invalid-keyword', message, near ?? `the actions are ${ACTIONS.join(', ')}`);
  }
  const form = action === 'delete' ? 'header delete Server' : `header ${action} X-Frame-Options DENY`;
  if (name === undefined)
    return new Fault('missing-argument', 'says no header name', `write it like: ${form}`);
  if (action === 'delete' && value !== undefined) {
    const hint = 'give each header a line of its own; a comment cannot follow a header rule';
    return new Fault('extra-argument', 'has more than a name behind "delete"', hint);
  }
  if (action !== 'delete' && value === undefined) {
    return new Fault('missing-argument', `says no value for ${quote(name)}`, `write it like: ${form}`);
  }
  return { action, name, value: value ?? null };
}

function actionOf(word: string): Action | null {
  const lower = word.toLowerCase();
  return ACTIONS.find((action) => action === lower) ?? null;
}
