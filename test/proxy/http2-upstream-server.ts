import http2 from 'node:http2';
import type net from 'node:net';
import { onTestFinished } from 'vitest';
import { listen } from './fixture.ts';

export interface Http2Upstream {
  readonly scheme: 'h2c';
  readonly host: string;
  readonly port: number;
  readonly server: http2.Http2Server;
  /** In the order in which they came. */
  readonly sessions: readonly http2.ServerHttp2Session[];
}

export type OnStream = (
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
  rawHeaders: readonly string[],
) => void;

/** An upstream that is an HTTP/2 server of Node without TLS. */
export async function http2Upstream(
  onStream: OnStream,
  options: http2.ServerOptions = {},
): Promise<Http2Upstream> {
  const server = http2.createServer(options);
  const sessions: http2.ServerHttp2Session[] = [];
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => {});
  });
  server.on('sessionError', () => {});
  server.on('stream', (stream: http2.ServerHttp2Stream, headers, _flags, rawHeaders) => {
    stream.on('error', () => {});
    onStream(stream, headers, rawHeaders);
  });
  const port = await listen(server as net.Server);
  onTestFinished(() => {
    server.close();
    for (const session of sessions) session.destroy();
  });
  return { scheme: 'h2c', host: '127.0.0.1', port, server, sessions };
}

/** Answers with what it was asked. */
export const echo: OnStream = (stream, headers) => {
  let body = '';
  stream.setEncoding('latin1');
  stream.on('data', (text: string) => {
    body += text;
  });
  stream.on('end', () => {
    if (stream.closed) return;
    stream.respond({ ':status': 200 });
    stream.end(`${headers[':method']} ${headers[':path']} ${body}`);
  });
};
