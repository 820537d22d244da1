import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Upstream } from '../../src/routing/route.ts';
import { runProgram } from '../e2e/daemon.ts';
import { has, peer } from '../peers.ts';
import { testCertificate } from './certificate.ts';
import { listen, route, startProxy } from './fixture.ts';
import { connectH2, h2Response } from './h2-client.ts';

const LARGE = 5_000_000;

async function freePort(): Promise<number> {
  const probe = net.createServer();
  const port = await listen(probe);
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function folderWithFiles(): Promise<string> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rigil-h2-'));
  fs.chmodSync(folder, 0o755);
  fs.writeFileSync(path.join(folder, 'file.txt'), '0123456789');
  fs.writeFileSync(path.join(folder, 'large.bin'), Buffer.alloc(LARGE, 'x'));
  return folder;
}

/** Until the program listens; it ends with the test. */
async function started(child: ChildProcess, port: number, folder: string): Promise<void> {
  const exited = new Promise((resolve) => child.once('exit', resolve));
  onTestFinished(async () => {
    child.kill();
    await exited;
    fs.rmSync(folder, { recursive: true });
  });
  const reachable = () =>
    new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
  while (!(await reachable())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** nginx with HTTP/2, with or without TLS. It closes each connection after 50 requests. */
async function nginx(secure: boolean): Promise<Upstream> {
  const folder = await folderWithFiles();
  const port = await freePort();
  const { cert, key } = await testCertificate();
  fs.writeFileSync(path.join(folder, 'cert.pem'), cert);
  fs.writeFileSync(path.join(folder, 'key.pem'), key);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  fs.writeFileSync(
    path.join(folder, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log; events {}
     http { access_log off; keepalive_requests 50; ${temporary.join(' ')}
       server { listen 127.0.0.1:${port} ${secure ? 'ssl' : ''} http2; root ${folder};
         ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;
         location /echo { return 200 "$request_method $request_uri $server_protocol"; } } }`,
  );
  const child = spawn(peer('nginx'), ['-c', path.join(folder, 'nginx.conf'), '-p', folder], {
    stdio: 'ignore',
  });
  await started(child, port, folder);
  if (!secure) return { scheme: 'h2c', host: '127.0.0.1', port };
  const tls = { id: 'test', serverName: 'localhost', verify: true, ca: cert, identity: null };
  return { scheme: 'https', host: '127.0.0.1', port, tls };
}

describe.skipIf(!has('nginx'))('nginx as an upstream that speaks HTTP/2', () => {
  it('serves files whole, in part and not at all', async () => {
    const proxy = await startProxy({ routes: [route(await nginx(false))] });
    const session = await connectH2(proxy.port);
    const ask = async (path: string, headers = {}) =>
      h2Response(session.request({ ':path': path, ':authority': 'example.test', ...headers }));
    expect(await ask('/file.txt')).toMatchObject({ status: 200, body: '0123456789' });
    expect(await ask('/file.txt', { range: 'bytes=2-4' })).toMatchObject({ status: 206, body: '234' });
    expect(await ask('/file.txt', { ':method': 'HEAD' })).toMatchObject({ status: 200, body: '' });
    expect((await ask('/large.bin')).body).toHaveLength(LARGE);
    expect(await ask('/none')).toMatchObject({ status: 404 });
    expect((await ask('/echo/a%2Fb?c;d')).body).toBe('GET /echo/a%2Fb?c;d HTTP/2.0');
    expect(proxy.counters.values().upstreamErrors).toEqual({});
  });

  it.each([
    ['h2c', false, {}],
    ['https', true, { 'content-type': 'application/grpc' }],
  ] as const)('loses nothing when it closes connections (%s)', async (_, secure, headers) => {
    const proxy = await startProxy({ routes: [route(await nginx(secure))] });
    const session = await connectH2(proxy.port);
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all(
        Array.from({ length: 80 }, async (_, n) => {
          const fields = {
            ':method': 'POST',
            ':path': `/echo/${n}`,
            ':authority': 'example.test',
            ...headers,
          };
          const stream = session.request(fields);
          stream.end('body');
          return (await h2Response(stream)).body;
        }),
      );
      expect(answers).toEqual(Array.from({ length: 80 }, (_, n) => `POST /echo/${n} HTTP/2.0`));
    }
    expect(proxy.counters.values().upstreamErrors).toEqual({});
  });

  it.skipIf(!has('curl'))('answers curl in HTTP/1.1', async () => {
    const proxy = await startProxy({ routes: [route(await nginx(false))] });
    const { stdout } = await runProgram(peer('curl'), [
      '--silent',
      '--insecure',
      '--http1.1',
      '--connect-to',
      `example.test:443:127.0.0.1:${proxy.port}`,
      '--write-out',
      ' %{http_version} %{http_code}',
      'https://example.test/file.txt',
      '--next',
      '--silent',
      '--insecure',
      '--http1.1',
      '--connect-to',
      `example.test:443:127.0.0.1:${proxy.port}`,
      '--data',
      'x=1',
      'https://example.test/echo',
    ]);
    expect(stdout).toBe('0123456789 1.1 200POST /echo HTTP/2.0');
  });
});

describe.skipIf(!has('nghttpd'))('nghttpd as the upstream', () => {
  it('takes uploads, sends files and trailers', async () => {
    const folder = await folderWithFiles();
    const port = await freePort();
    const child = spawn(
      peer('nghttpd'),
      ['--no-tls', '--echo-upload', '--trailer', 'x-end: yes', '-a', '127.0.0.1', '-d', folder, String(port)],
      { stdio: 'ignore' },
    );
    await started(child, port, folder);
    const proxy = await startProxy({ routes: [route({ scheme: 'h2c', host: '127.0.0.1', port })] });
    const session = await connectH2(proxy.port);
    const large = await h2Response(session.request({ ':path': '/large.bin', ':authority': 'example.test' }));
    expect(large.body).toHaveLength(LARGE);
    const stream = session.request({ ':method': 'POST', ':path': '/', ':authority': 'example.test' });
    stream.end(Buffer.alloc(LARGE, 'y'));
    const upload = await h2Response(stream);
    expect(upload.body).toHaveLength(LARGE);
    expect(upload.trailers).toMatchObject({ 'x-end': 'yes' });
    expect(proxy.counters.values().upstreamErrors).toEqual({});
  });
});
