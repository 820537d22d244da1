/** Words of the manual page language (groff's man macros), so that the pages read like pages. */

/** When the pages were last reworked as a whole. */
const REWORKED = '2026-11-24';

/** First lines of a page. */
export function title(name: string, section: number, version: string): string {
  return `.\\" Generated; edit the source and run "npm run docs".\n.TH "${plain(name.toUpperCase())}" "${section}" "${REWORKED}" "rigil ${version}" "Rigil Manual"\n`;
}

export function section(heading: string, body: string): string {
  return body === '' ? '' : `.SH ${plain(heading.toUpperCase())}\n${begun(body)}`;
}

export function subsection(heading: string, body: string): string {
  return `.SS ${plain(heading)}\n${begun(body)}`;
}

/** A heading begins a paragraph by itself. */
function begun(body: string): string {
  return body.replace(/^\.PP\n/, '');
}

/** A paragraph. Blank lines in `text` separate paragraphs; \`code\` becomes bold. */
export function paragraph(text: string): string {
  return text
    .trim()
    .split(/\n\s*\n/)
    .map((part) => `.PP\n${inline(part)}\n`)
    .join('');
}

/** A term with its description, indented. */
export function entry(term: string, body: string): string {
  return `.TP\n${term}\n${inline(body.trim()).replace(/\n\s*\n/g, '\n.IP\n')}\n`;
}

/** Text that is shown as it is. */
export function literal(text: string): string {
  return `.PP\n.in +4n\n.nf\n${text.split('\n').map(line).join('\n')}\n.fi\n.in\n`;
}

export function bold(text: string): string {
  return `\\fB${plain(text)}\\fR`;
}

export function italic(text: string): string {
  return `\\fI${plain(text)}\\fR`;
}

/** Makes text harmless: backslashes, hyphens that must stay hyphens, and lines that begin like a request. */
export function plain(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-');
}

function inline(text: string): string {
  return text
    .split('\n')
    .map((part) => line(part.trim()))
    .join('\n')
    .replace(/`([^`]+)`/g, '\\fB$1\\fR');
}

function line(text: string): string {
  const safe = plain(text);
  return /^[.']/.test(safe) ? `\\&${safe}` : safe;
}
