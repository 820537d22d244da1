import { bytesBody } from './body.ts';
import type { Body, ResponseHead } from './exchange.ts';

/** A whole response of our own. */
export interface Page {
  readonly head: ResponseHead;
  readonly body: Body;
}

/**
 * What rigil says itself where there is no upstream's answer. People see 502 and 504, so those are HTML, small and
 * without anything from outside; the others are for whoever reads the wire.
 */
export function defaultPage(status: number): Page {
  const text = HTML[status];
  return text === undefined
    ? page(status, 'text/plain; charset=utf-8', `${TEXT[status] ?? `Error ${status}.`}\n`)
    : page(status, 'text/html; charset=utf-8', html(status, text));
}

/** A redirect, without a body: whoever cannot follow it sees its status. */
export function redirectPage(status: number, location: string): Page {
  return page(status, null, '', ['Location', location]);
}

/** A response with these bytes. */
export function page(status: number, type: string | null, text: string, extra: readonly string[] = []): Page {
  const bytes = Buffer.from(text);
  const headers = [...extra, ...(type === null ? [] : ['Content-Type', type])];
  return {
    head: { status, headers: [...headers, 'Content-Length', String(bytes.length)] },
    body: bytesBody(bytes),
  };
}

const TEXT: Readonly<Record<number, string>> = {
  400: 'Bad request: what was sent is not valid HTTP, or its Host is missing, doubled or malformed.',
  405: 'Method not allowed: this server opens no tunnels.',
  408: 'Request timeout: the request did not arrive in time.',
  413: 'Content too large.',
  414: 'URI too long.',
  417: 'Expectation failed: this server knows no other than 100-continue.',
  421: 'Misdirected request: this server does not answer for that host.',
  431: 'Request header fields too large.',
  501: 'Not implemented: this server does not know that method.',
  505: 'HTTP version not supported: use HTTP/1.1 or HTTP/2.',
};

/** By status: its title. Title and sentence of 502 are Centauri's, for whoever looks for them in a page. */
const HTML: Readonly<Record<number, string>> = { 502: 'Bad Gateway', 504: 'Gateway Timeout' };

function html(status: number, title: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${status} ${title}</title>
<style>
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { display: grid; min-height: 90vh; margin: 0 1.5rem; place-content: center; }
h1 { margin: 0; font-size: 1.5rem; }
p { margin: 0.5rem 0 0; opacity: 0.8; }
</style>
</head>
<body>
<h1>${title}</h1>
<p>The server was unable to complete your request. Please try again later.</p>
</body>
</html>
`;
}
