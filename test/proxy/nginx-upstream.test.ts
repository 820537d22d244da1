import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { has, peer } from '../peers.ts';
import { listen, route, startProxy } from './fixture.ts';
import { connectH2, h2Response } from './h2-client.ts';
import { connectTls } from './raw-client.ts';

/** nginx with a file, on a free port, gone when the test is over. */
async function nginx(): Promise<number> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rigil-nginx-'));
  // As root, nginx serves files as another user.
  fs.chmodSync(folder, 0o755);
  const probe = net.createServer();
  const port = await listen(probe);
  await new Promise((resolve) => probe.close(resolve));
  fs.writeFileSync(path.join(folder, 'file.txt'), '0123456789');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  fs.writeFileSync(
    path.join(folder, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log; events {}
     http { access_log off; ${temporary.join(' ')}
       server { listen 127.0.0.1:${port}; root ${folder};
         location /echo { return 200 "$request_method $request_uri $http_x_forwarded_for"; } } }`,
  );
  const child = spawn(peer('nginx'), ['-c', path.join(folder, 'nginx.conf'), '-p', folder], {
    stdio: 'ignore',
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  onTestFinished(async () => {
    child.kill();
    await exited;
    fs.rmSync(folder, { recursive: true });
  });
  while (!(await reachable(port))) await new Promise((resolve) => setTimeout(resolve, 20));
  return port;
}

function reachable(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('connect', () => socket.end());
  });
}

describe.skipIf(!has('nginx'))('nginx as the upstream', () => {
  it('serves files whole, in part and not at all', async () => {
    const proxy = await startProxy({
      routes: [route({ scheme: 'http', host: '127.0.0.1', port: await nginx() })],
    });
    const client = await connectTls(proxy.port);
    const ask = (line: string, fields = '') =>
      client.send(`${line} HTTP/1.1\r\nHost: example.test\r\n${fields}\r\n`).response(line.split(' ')[0]);
    const whole = await ask('GET /file.txt');
    expect([whole.status, whole.body]).toEqual([200, '0123456789']);
    const part = await ask('GET /file.txt', 'Range: bytes=2-4\r\n');
    expect([part.status, part.body]).toEqual([206, '234']);
    expect((await ask('GET /file.txt', `If-None-Match: ${whole.field('etag')}\r\n`)).status).toBe(304);
    expect((await ask('HEAD /file.txt')).status).toBe(200);
    expect((await ask('GET /none')).status).toBe(404);
    expect((await ask('GET /echo/a%2Fb?c;d')).body).toBe('GET /echo/a%2Fb?c;d 127.0.0.1');
    expect((await ask('DELETE /echo')).body).toBe('DELETE /echo 127.0.0.1');
  });

  it('answers many streams of one connection', async () => {
    const proxy = await startProxy({
      routes: [route({ scheme: 'http', host: '127.0.0.1', port: await nginx() })],
    });
    const session = await connectH2(proxy.port);
    const bodies = await Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        const stream = session.request({ ':path': `/echo/${n}`, ':authority': 'example.test' });
        return (await h2Response(stream)).body;
      }),
    );
    expect(bodies).toEqual(Array.from({ length: 50 }, (_, n) => `GET /echo/${n} 127.0.0.1`));
    expect(proxy.counters.values().upstreamErrors).toEqual({});
  });
});
