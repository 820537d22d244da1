import http2, { type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders } from 'node:http2';
import { onTestFinished } from 'vitest';

export interface H2Response {
  readonly status: number;
  readonly headers: http2.IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: string;
  readonly trailers: http2.IncomingHttpHeaders;
}

/** An HTTP/2 connection to 127.0.0.1. */
export async function connectH2(
  port: number,
  options: http2.SecureClientSessionOptions = {},
): Promise<ClientHttp2Session> {
  const session = http2.connect(`https://127.0.0.1:${port}`, {
    servername: 'example.test',
    rejectUnauthorized: false,
    ...options,
  });
  session.on('error', () => {});
  onTestFinished(() => session.destroy());
  await new Promise((resolve) => session.once('remoteSettings', resolve));
  return session;
}

/** Collects the response to a stream; rejects when the stream is reset. */
export function h2Response(stream: ClientHttp2Stream): Promise<H2Response> {
  return new Promise((resolve, reject) => {
    let head: [http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader, string[]] | null = null;
    let trailers: http2.IncomingHttpHeaders = {};
    let body = '';
    stream.setEncoding('latin1');
    stream.on('response', (headers, _flags, rawHeaders) => {
      head = [headers, rawHeaders];
    });
    stream.on('trailers', (headers) => {
      trailers = headers;
    });
    stream.on('data', (text: string) => {
      body += text;
    });
    stream.on('error', reject);
    stream.on('close', () => {
      if (head === null || stream.rstCode !== 0) {
        reject(new Error(`the stream was closed with code ${stream.rstCode}`));
        return;
      }
      const [headers, rawHeaders] = head;
      resolve({ status: Number(headers[':status']), headers, rawHeaders, body, trailers });
    });
  });
}

/** One request on a connection of its own. */
export async function h2Request(
  port: number,
  headers: OutgoingHttpHeaders,
  body?: string,
): Promise<H2Response> {
  const session = await connectH2(port);
  const stream = session.request(
    { ':method': 'GET', ':path': '/', ':authority': 'example.test', ':scheme': 'https', ...headers },
    { endStream: body === undefined },
  );
  if (body !== undefined) stream.end(body);
  return h2Response(stream);
}
