/** The few shapes of Route 53's XML that are read and written (API version 2013-04-01). */

/** One set of TXT records, as Route 53 replaces them: whole. */
export interface TxtSet {
  /** In seconds. */
  readonly ttl: number;
  /** As Route 53 has them: each string in quotes. */
  readonly values: readonly string[];
}

export type Change = { readonly action: 'CREATE' | 'DELETE'; readonly set: TxtSet };

/** The body of ChangeResourceRecordSets: all changes take effect together or none does. */
export function changeRequest(name: string, changes: readonly Change[]): string {
  const body = changes.map(({ action, set }) => {
    const records = set.values.map((value) => tag('ResourceRecord', tag('Value', escapeXml(value)))).join('');
    const fields = [tag('Name', `${name}.`), tag('Type', 'TXT'), tag('TTL', String(set.ttl))];
    const recordSet = tag('ResourceRecordSet', fields.join('') + tag('ResourceRecords', records));
    return tag('Change', tag('Action', action) + recordSet);
  });
  const batch = tag('ChangeBatch', tag('Changes', body.join('')));
  return `<?xml version="1.0" encoding="UTF-8"?><ChangeResourceRecordSetsRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/">${batch}</ChangeResourceRecordSetsRequest>`;
}

/** What stands in the first element of that name, or null. */
export function element(xml: string, name: string): string | null {
  return elements(xml, name)[0] ?? null;
}

/** What stands in each element of that name; they never hold one of their own name. */
export function elements(xml: string, name: string): readonly string[] {
  return [...xml.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`, 'g'))].map(
    (match) => match[1] ?? '',
  );
}

/** The text of an element without elements in it, or null. */
export function text(xml: string, name: string): string | null {
  const found = element(xml, name);
  return found === null ? null : unescapeXml(found.trim());
}

function tag(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function escapeXml(plain: string): string {
  return plain.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

function unescapeXml(escaped: string): string {
  return escaped.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w+));/gi, (whole, decimal, hex, name) => {
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
    if (name !== undefined) return ENTITIES[name] ?? whole;
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
