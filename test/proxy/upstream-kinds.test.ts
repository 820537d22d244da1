import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { testCertificate } from './certificate.ts';
import { listen, route, startProxy } from './fixture.ts';
import { connectTls } from './raw-client.ts';

const GET = 'GET /x HTTP/1.1\r\nHost: example.test\r\n\r\n';

async function httpsUpstream(): Promise<{ port: number; sessions: () => number }> {
  let sessions = 0;
  const server = https.createServer(await testCertificate(), (request, response) => {
    const { servername } = request.socket as tls.TLSSocket & { servername: string | false };
    response.end(`${request.headers.host} ${servername}`);
  });
  server.on('secureConnection', () => sessions++);
  const port = await listen(server);
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { port, sessions: () => sessions };
}

describe('an upstream with TLS', () => {
  it('is refused while its certificate is not trusted', async () => {
    const { port } = await httpsUpstream();
    const proxy = await startProxy({ routes: [route({ scheme: 'https', host: 'localhost', port })] });
    const client = await connectTls(proxy.port);
    expect((await client.send(GET).response()).status).toBe(502);
    expect(proxy.counters.values().upstreamErrors).toEqual({ 'route="example.test",kind="tls"': 1 });
  });

  it('is refused when it does not speak TLS', async () => {
    const server = http.createServer((_, response) => response.end());
    const port = await listen(server);
    onTestFinished(() => void server.close());
    const proxy = await startProxy({ routes: [route({ scheme: 'https', host: 'localhost', port })] });
    const client = await connectTls(proxy.port);
    expect((await client.send(GET).response()).status).toBe(502);
    expect(proxy.counters.values().upstreamErrors).toEqual({ 'route="example.test",kind="tls"': 1 });
  });

  it('is asked with its own name for TLS and the client’s host for HTTP, over kept connections', async () => {
    const before = tls.getCACertificates('default');
    tls.setDefaultCACertificates([...before, (await testCertificate()).cert]);
    onTestFinished(() => tls.setDefaultCACertificates(before));
    const { port, sessions } = await httpsUpstream();
    const proxy = await startProxy({ routes: [route({ scheme: 'https', host: 'localhost', port })] });
    const client = await connectTls(proxy.port);
    for (let n = 0; n < 3; n++) {
      expect((await client.send(GET).response()).body).toBe('example.test localhost');
    }
    expect(sessions()).toBe(1);
  });

  it('may be an address that its certificate has', async () => {
    const before = tls.getCACertificates('default');
    tls.setDefaultCACertificates([...before, (await testCertificate()).cert]);
    onTestFinished(() => tls.setDefaultCACertificates(before));
    const { port } = await httpsUpstream();
    const proxy = await startProxy({ routes: [route({ scheme: 'https', host: '127.0.0.1', port })] });
    const client = await connectTls(proxy.port);
    expect((await client.send(GET).response()).body).toBe('example.test false');
  });
});

describe('an upstream on a Unix socket', () => {
  it('is asked like any other', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rigil-'));
    const socket = path.join(folder, 'upstream.sock');
    const server = http.createServer((request, response) =>
      response.end(`${request.headers.host} ${request.url}`),
    );
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
      fs.rmSync(folder, { recursive: true });
    });
    const proxy = await startProxy({ routes: [route({ scheme: 'unix', path: socket })] });
    const client = await connectTls(proxy.port);
    expect((await client.send(GET).response()).body).toBe('example.test /x');
  });
});
