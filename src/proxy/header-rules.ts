import type { HeaderRule } from '../routing/route.ts';
import type { FieldTable } from './codec/field-table.ts';
import { FORWARD_CUTS } from './codec/http1/head-writer.ts';
import { ascii } from './codec/octets.ts';
import type { RawHeaders } from './exchange.ts';
import { connectionFields } from './hop-by-hop.ts';
import { filterFields, valuesOf } from './raw-headers.ts';

/**
 * The fields of a response after the rules of a route, in the order of the configuration: `add` appends a line,
 * `replace` leaves exactly one, `default` sets what is absent or empty, `delete` removes all lines.
 *
 * Rules for fields that frame the message (`content-length`, `transfer-encoding`, `connection` …) and rules that no
 * field can express (a name that is no token, control characters) are passed over: they would break the response.
 */
export function applyHeaderRules(headers: RawHeaders, rules: readonly HeaderRule[]): RawHeaders {
  if (rules.length === 0) return headers;
  let result = headers;
  for (const { rule, key } of usable(rules)) result = apply(result, rule, key);
  return result;
}

/**
 * The same for the fields of `table` followed by `added`: what goes is marked as removed in the table, what comes is
 * among the added fields that are returned. No line becomes a string.
 */
export function applyHeaderRulesTo(
  table: FieldTable,
  added: RawHeaders,
  rules: readonly HeaderRule[],
): RawHeaders {
  if (rules.length === 0) return added;
  let result = added;
  for (const { rule, key, name } of usable(rules)) {
    if (rule.action === 'default' && isFilled(table, name)) continue;
    const next = apply(result, rule, key);
    if (rule.action !== 'add' && (rule.action !== 'default' || next !== result)) remove(table, name);
    result = next;
  }
  return result;
}

function isFilled(table: FieldTable, name: Uint8Array): boolean {
  for (let line = table.findName(name); line >= 0; line = table.findName(name, line + 1)) {
    if (FORWARD_CUTS[table.kind(line)] !== 1 && table.valueTo(line) > table.valueFrom(line)) return true;
  }
  return false;
}

function remove(table: FieldTable, name: Uint8Array): void {
  for (let line = table.findName(name); line >= 0; line = table.findName(name, line + 1)) table.remove(line);
}

function apply(headers: RawHeaders, rule: HeaderRule, key: string): RawHeaders {
  switch (rule.action) {
    case 'add':
      return [...headers, rule.name, rule.value];
    case 'replace':
      return [...without(headers, key), rule.name, rule.value];
    case 'default':
      return valuesOf(headers, key).some((value) => value !== '')
        ? headers
        : [...without(headers, key), rule.name, rule.value];
    case 'delete':
      return without(headers, key);
    default:
      return rule satisfies never;
  }
}

function without(headers: RawHeaders, key: string): string[] {
  return filterFields(headers, (other) => other !== key);
}

interface CheckedRule {
  readonly rule: HeaderRule;
  /** Its name in lower case. */
  readonly key: string;
  /** The same for {@link FieldTable.findName}. */
  readonly name: Uint8Array;
}

/** Rules are checked once; the routes of a snapshot never change. */
const checked = new WeakMap<readonly HeaderRule[], readonly CheckedRule[]>();

function usable(rules: readonly HeaderRule[]): readonly CheckedRule[] {
  let found = checked.get(rules);
  if (found === undefined) {
    found = rules.filter(isUsable).map((rule) => {
      const key = rule.name.toLowerCase();
      return { rule: asBytes(rule), key, name: ascii(key) };
    });
    checked.set(rules, found);
  }
  return found;
}

const FRAMING: ReadonlySet<string> = new Set([...connectionFields([]), 'content-length', 'trailer']);
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;
const FORBIDDEN_IN_VALUE = /[^\t\x20-\x7e\u0080-\u{10ffff}]/u;

function isUsable(rule: HeaderRule): boolean {
  if (!TOKEN.test(rule.name) || FRAMING.has(rule.name.toLowerCase())) return false;
  return rule.action === 'delete' || !FORBIDDEN_IN_VALUE.test(rule.value);
}

/** Values go out as UTF-8, spelt as the bytes that raw headers consist of. */
function asBytes(rule: HeaderRule): HeaderRule {
  return rule.action === 'delete'
    ? rule
    : { ...rule, value: Buffer.from(rule.value, 'utf8').toString('latin1') };
}
