/** One way to load a proxy. */
export interface Scenario {
  readonly name: string;
  readonly path: string;
  readonly connections: number;
  /** Who asks: `wrk` over HTTP/1.1, `h2load` over HTTP/2, `echo` over WebSockets. */
  readonly by: 'wrk' | 'h2load' | 'echo';
  readonly headers: readonly string[];
  /** Requests at one time on each connection, of HTTP/2. Default 1. */
  readonly streams?: number;
  /** Of what is uploaded with each request, in bytes. Default: nothing. */
  readonly body?: number;
  /** Of the certificate. Default `ecdsa`. */
  readonly key?: 'rsa';
}

const BROWSER = [
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Language: en-US,en;q=0.5',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Referer: https://localhost/some/page?with=query',
  'Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=yes',
  'Upgrade-Insecure-Requests: 1',
  'Sec-Fetch-Dest: document',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-Site: same-origin',
  'Priority: u=0, i',
];

const CLOSE = ['Connection: close'];

export const SCENARIOS: readonly Scenario[] = [
  { name: '100 B, 32 connections', by: 'wrk', path: '/100', connections: 32, headers: [] },
  { name: '100 B, browser headers, 32', by: 'wrk', path: '/100', connections: 32, headers: BROWSER },
  { name: '100 B, 256 connections', by: 'wrk', path: '/100', connections: 256, headers: [] },
  { name: '100 B, browser headers, 256', by: 'wrk', path: '/100', connections: 256, headers: BROWSER },
  { name: '10 KB, 32 connections', by: 'wrk', path: '/10k', connections: 32, headers: [] },
  { name: '1 MB, 8 connections', by: 'wrk', path: '/1m', connections: 8, headers: [] },
  { name: 'upload of 1 MB, 8', by: 'wrk', path: '/upload', connections: 8, headers: [], body: 1_048_576 },
  { name: 'HTTP/2, 100 B, 32 x 10', by: 'h2load', path: '/100', connections: 32, streams: 10, headers: [] },
  {
    name: 'HTTP/2, browser headers, 32 x 10',
    by: 'h2load',
    path: '/100',
    connections: 32,
    streams: 10,
    headers: BROWSER,
  },
  { name: 'HTTP/2, 10 KB, 32 x 10', by: 'h2load', path: '/10k', connections: 32, streams: 10, headers: [] },
  { name: 'HTTP/2, 1 MB, 8 x 2', by: 'h2load', path: '/1m', connections: 8, streams: 2, headers: [] },
  { name: 'WebSocket echo, 32', by: 'echo', path: '/echo', connections: 32, headers: [] },
  { name: 'new connections, 16', by: 'wrk', path: '/100', connections: 16, headers: CLOSE },
  { name: 'new connections, RSA, 16', by: 'wrk', path: '/100', connections: 16, headers: CLOSE, key: 'rsa' },
];
