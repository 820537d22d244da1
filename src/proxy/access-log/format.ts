import type { AccessEntry, AccessFormat } from './entry.ts';

/** One line of the access log, with its end. ASCII only, whatever is in the entry. */
export function lineOf(entry: AccessEntry, format: AccessFormat): string {
  switch (format) {
    case 'json':
      return jsonLine(entry);
    case 'common':
      return commonLine(entry);
    default:
      return format satisfies never;
  }
}

/** Every field in a fixed order, none left out, so that a line is easy to find one's way in. */
function jsonLine(entry: AccessEntry): string {
  return (
    `{"time":"${new Date(entry.time).toISOString()}"` +
    `,"remoteAddress":${jsonText(entry.remoteAddress)}` +
    `,"peerAddress":${jsonText(entry.peerAddress)}` +
    `,"method":${jsonText(entry.method)}` +
    `,"scheme":"${entry.scheme}"` +
    `,"host":${jsonText(entry.host)}` +
    `,"target":${jsonText(entry.target)}` +
    `,"protocol":${jsonText(entry.protocol)}` +
    `,"status":${entry.status}` +
    `,"complete":${entry.complete}` +
    `,"bytesSent":${entry.bytesSent}` +
    `,"bytesReceived":${entry.bytesReceived}` +
    `,"durationMs":${milliseconds(entry.durationMs)}` +
    `,"route":${jsonText(entry.route)}` +
    `,"upstream":${jsonText(entry.upstream)}` +
    `,"upstreamMs":${entry.upstreamMs === null ? 'null' : milliseconds(entry.upstreamMs)}` +
    `,"userAgent":${jsonText(entry.userAgent)}` +
    `,"referer":${jsonText(entry.referer)}}\n`
  );
}

/**
 * The Common Log Format of NCSA httpd: `host ident user [time] "request" status bytes`. Escaped as Apache does; `ident`
 * and `user` are never known.
 */
function commonLine(entry: AccessEntry): string {
  const { remoteAddress, method, target, protocol, status, bytesSent } = entry;
  const request =
    method === null || target === null ? '-' : `${commonText(method)} ${commonText(target)} ${protocol}`;
  return `${remoteAddress ?? '-'} - - [${commonTime(entry.time)}] "${request}" ${status} ${bytesSent || '-'}\n`;
}

/** Microseconds are enough for anybody. */
function milliseconds(value: number): number {
  return Math.round(value * 1000) / 1000;
}

const PLAIN = /^[ !#-[\]-~]*$/;

/** A byte that is not plain ASCII becomes `\u00XX`: none is lost, and none can end the line or be no UTF-8. */
function jsonText(text: string | null): string {
  if (text === null) return 'null';
  return PLAIN.test(text) ? `"${text}"` : `"${text.replace(/[^ !#-[\]-~]/g, jsonEscape)}"`;
}

function jsonEscape(char: string): string {
  return char === '"' || char === '\\' ? `\\${char}` : `\\u${hex(char).padStart(4, '0')}`;
}

function commonText(text: string): string {
  return PLAIN.test(text) ? text : text.replace(/[^ !#-[\]-~]/g, commonEscape);
}

function commonEscape(char: string): string {
  return char === '"' || char === '\\' ? `\\${char}` : `\\x${hex(char).padStart(2, '0')}`;
}

function hex(char: string): string {
  return char.charCodeAt(0).toString(16);
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** `10/Oct/2000:13:55:36 +0000`, always UTC. */
function commonTime(time: number): string {
  const iso = new Date(time).toISOString();
  const month = MONTHS[Number(iso.slice(5, 7)) - 1] ?? '';
  return `${iso.slice(8, 10)}/${month}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
}
