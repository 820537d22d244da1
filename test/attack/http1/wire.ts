/** The host that requests are for, unless a case is about hosts. */
export const HOST = 'example.test';

/** A request with these lines besides Host. */
export function request(line: string, lines: readonly string[] = [], body = ''): string {
  return `${[line, `Host: ${HOST}`, ...lines].join('\r\n')}\r\n\r\n${body}`;
}

export function post(lines: readonly string[], body = ''): string {
  return request('POST / HTTP/1.1', lines, body);
}

export function get(lines: readonly string[] = []): string {
  return request('GET / HTTP/1.1', lines);
}

/** What an attacker would like to have read as a request of its own. */
export const SMUGGLED = request('GET /smuggled HTTP/1.1');

/** What an upstream gets for a request of a client at 127.0.0.1, byte for byte. */
export function passed(
  line: string,
  { lines = [], framing, body = '', host = HOST, te = false, upgrade }: Passed = {},
): string {
  const connection =
    upgrade === undefined
      ? [`Connection: keep-alive${te ? ', TE' : ''}`]
      : [`Upgrade: ${upgrade}`, 'Connection: Upgrade'];
  const head = [
    line,
    `Host: ${host}`,
    ...lines,
    ...(te ? ['TE: trailers'] : []),
    'X-Forwarded-For: 127.0.0.1',
    `X-Forwarded-Host: ${host}`,
    'X-Forwarded-Proto: https',
    ...connection,
    ...(framing === undefined ? [] : [framing]),
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

export interface Passed {
  /** Of the client, that go on. */
  readonly lines?: readonly string[];
  /** The line that frames the body. */
  readonly framing?: string;
  /** With its framing. */
  readonly body?: string;
  readonly host?: string;
  readonly te?: boolean;
  readonly upgrade?: string;
}

export const CHUNKED = 'Transfer-Encoding: chunked';
