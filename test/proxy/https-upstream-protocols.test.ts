import type { IncomingMessage } from 'node:http';
import http2, { type Http2ServerRequest } from 'node:http2';
import https from 'node:https';
import net, { type Socket } from 'node:net';
import tls from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Upstream } from '../../src/routing/route.ts';
import { testCertificate } from './certificate.ts';
import { listen, route, startProxy } from './fixture.ts';
import { EchoClient, echoServer } from './grpc-service.ts';
import { connectH2, h2Response } from './h2-client.ts';

const GRPC = { ':method': 'POST', ':authority': 'example.test', 'content-type': 'application/grpc' };

async function toPort(port: number): Promise<Upstream> {
  const { cert } = await testCertificate();
  const manner = { id: 'test', serverName: 'localhost', verify: true, ca: cert, identity: null };
  return { scheme: 'https', host: '127.0.0.1', port, tls: manner };
}

/** A TLS server, and what was agreed on with each connection. */
async function watched(server: tls.Server): Promise<{ upstream: Upstream; chosen: readonly string[] }> {
  const chosen: string[] = [];
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.on('tlsClientError', () => {});
  server.on('secureConnection', (socket) => chosen.push(String(socket.alpnProtocol)));
  const port = await listen(server);
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { upstream: await toPort(port), chosen };
}

/** Says in which version of HTTP it was asked. */
function sayVersion(request: IncomingMessage | Http2ServerRequest, answer: (text: string) => void): void {
  request.resume();
  request.on('end', () => answer(request.httpVersion));
}

describe('an https upstream that speaks both protocols', () => {
  it('is asked over HTTP/2 for gRPC and over HTTP/1.1 for all else', async () => {
    const server = http2.createSecureServer(
      { ...(await testCertificate()), allowHTTP1: true },
      (request, response) => sayVersion(request, (text) => response.end(text)),
    );
    const { upstream, chosen } = await watched(server);
    const proxy = await startProxy({ routes: [route(upstream)] });
    const session = await connectH2(proxy.port);
    const ask = async (headers: http2.OutgoingHttpHeaders) =>
      (await h2Response(session.request(headers, { endStream: true }))).body;
    expect(await ask({ ':authority': 'example.test' })).toBe('1.1');
    expect(await Promise.all(Array.from({ length: 20 }, () => ask(GRPC)))).toEqual(Array(20).fill('2.0'));
    expect(await ask({ ':authority': 'example.test' })).toBe('1.1');
    expect(chosen).toEqual(['http/1.1', 'h2']);
    expect(proxy.counters.values().upstreamErrors).toEqual({});
  });

  it('answers many calls of gRPC at once', async () => {
    const { cert, key } = await testCertificate();
    const pair = { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) };
    const server = await echoServer(grpc.ServerCredentials.createSsl(null, [pair]));
    const proxy = await startProxy({ routes: [route(await toPort(server.port))] });
    const client = new EchoClient(proxy.port, cert, 'example.test');
    onTestFinished(() => {
      client.close();
      server.close();
    });
    const texts = Array.from({ length: 200 }, (_, n) => String(n));
    const answers = await Promise.all(texts.map(async (text) => (await client.unary({ text })).answer.text));
    expect(answers).toEqual(texts);
    expect(proxy.counters.values().upstreamErrors).toEqual({});
  });
});

describe('an https upstream that speaks HTTP/1.1 only', () => {
  it('is asked so, once it has said so', async () => {
    const server = https.createServer(await testCertificate(), (request, response) =>
      sayVersion(request, (text) => response.end(text)),
    );
    const { upstream, chosen } = await watched(server);
    const proxy = await startProxy({ routes: [route(upstream)] });
    const session = await connectH2(proxy.port);
    for (let n = 0; n < 3; n++) {
      const response = await h2Response(session.request(GRPC, { endStream: true }));
      expect([response.status, response.body]).toEqual([200, '1.1']);
    }
    // The connection that was made to find out has served all of them.
    expect(chosen).toEqual(['http/1.1']);
  });
});

describe('an https upstream that cannot be agreed with', () => {
  it('fails all who wait', async () => {
    const server = tls.createServer({ ...(await testCertificate()), ALPNProtocols: ['other'] });
    const { upstream } = await watched(server);
    const proxy = await startProxy({ routes: [route(upstream)] });
    const session = await connectH2(proxy.port);
    const answers = await Promise.all(
      Array.from({ length: 3 }, () => h2Response(session.request(GRPC, { endStream: true }))),
    );
    expect(answers.map(({ headers }) => headers['grpc-status'])).toEqual(['14', '14', '14']);
    expect(proxy.counters.values().upstreamErrors).toEqual({ 'route="example.test",kind="tls"': 3 });
  });

  it('times out when it does not answer at all', async () => {
    const sockets: Socket[] = [];
    const port = await listen(net.createServer((socket) => sockets.push(socket)));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
    });
    const proxy = await startProxy({
      routes: [route(await toPort(port))],
      limits: { upstreamConnectMs: 200 },
    });
    const session = await connectH2(proxy.port);
    const left = session.request(GRPC, { endStream: true });
    left.on('error', () => {});
    const waiting = h2Response(session.request(GRPC, { endStream: true }));
    left.close(http2.constants.NGHTTP2_CANCEL);
    expect((await waiting).headers['grpc-message']).toContain('did not answer the proxy in time');
    expect(proxy.counters.values().upstreamErrors).toEqual({
      'route="example.test",kind="connect-timeout"': 1,
    });
  });
});
