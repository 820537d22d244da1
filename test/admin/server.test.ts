import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AdminServer } from '../../src/admin/server.ts';
import type { Status, StatusSource } from '../../src/admin/status.ts';
import type { BindAddress } from '../../src/platform/bind.ts';
import { readExposition } from './exposition.ts';
import { certificate, FAILURE, figures, status, worker } from './status.ts';

const LOOPBACK: BindAddress = { kind: 'tcp', host: '127.0.0.1', port: 0 };

function sourceOf(now: Status = status()): StatusSource {
  return { status: async () => now, figures: async () => figures() };
}

async function start(
  source: StatusSource = sourceOf(),
  address: BindAddress = LOOPBACK,
): Promise<AdminServer> {
  const server = new AdminServer(source);
  await server.listen(address);
  onTestFinished(() => server.close());
  return server;
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

function get(server: AdminServer, path: string, options: http.RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port: server.port, path, ...options }, (response) => {
      let body = '';
      response.on('data', (data) => {
        body += data;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    request.on('error', reject);
    request.end();
  });
}

describe('the admin endpoint', () => {
  it('prints the status as it is', async () => {
    const { status: code, headers, body } = await get(await start(), '/api/status');
    expect(code).toBe(200);
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' });
    expect(headers).not.toHaveProperty('access-control-allow-origin');
    expect(JSON.parse(body)).toEqual(status());
  });

  it('prints metrics in the format of Prometheus', async () => {
    const { status: code, headers, body } = await get(await start(), '/metrics?whatever');
    expect(code).toBe(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    // Which ones there are is another test's to say.
    expect([...readExposition(body).keys()]).toContain('rigil_connections');
  });

  it('answers HEAD like GET, without the body', async () => {
    const server = await start();
    const [head, whole] = [await get(server, '/', { method: 'HEAD' }), await get(server, '/')];
    expect(head).toMatchObject({ status: 200, body: '' });
    expect(head.headers['content-length']).toBe(whole.headers['content-length']);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])('changes nothing: %s is refused', async (method) => {
    const answer = await get(await start(), '/api/status', { method });
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  });

  it('says what there is when a path is unknown', async () => {
    const answer = await get(await start(), '/status');
    expect(answer).toMatchObject({ status: 404, body: expect.stringContaining('/healthz') });
  });

  it('survives a source that fails', async () => {
    const server = await start({
      status: () => Promise.reject(new Error('gone')),
      figures: async () => figures(),
    });
    expect(await get(server, '/healthz')).toMatchObject({ status: 500 });
    expect(await get(server, '/metrics')).toMatchObject({ status: 200 });
  });

  it('hangs up on a client that does not ask', async () => {
    const server = await start();
    const socket = net.connect(server.port ?? 0, '127.0.0.1').resume();
    await once(socket, 'connect');
    await server.close();
    await once(socket, 'close');
  });
});

describe('/healthz', () => {
  const expired = certificate({
    status: 'expired',
    notAfter: '2026-02-01T00:00:00.000Z',
    lastError: FAILURE,
  });
  it.each<[string, Partial<Status>, number, RegExp]>([
    ['all is well', {}, 200, /^ok\n$/],
    [
      'a certificate is due',
      { certificates: [certificate({ status: 'expiring', lastError: FAILURE })] },
      200,
      /^ok/,
    ],
    ['one is missing', { certificates: [certificate({ status: 'missing' })] }, 503, /one\.test is missing/],
    [
      'one is blocked',
      { certificates: [certificate({ status: 'blocked', lastError: FAILURE })] },
      503,
      /could not connect/,
    ],
    [
      'one has expired',
      { certificates: [expired] },
      503,
      /one\.test is expired.*2026-02-01.*could not connect/,
    ],
    [
      'one that nobody wants has expired',
      { certificates: [certificate(), { ...expired, id: 'old.test' }] },
      200,
      /^ok/,
    ],
    ['no worker is ready', { workers: [] }, 503, /no worker is ready/],
    ['the only worker is leaving', { workers: [worker(1, true)] }, 503, /no worker is ready/],
  ])('when %s', async (_when, more, code, text) => {
    const answer = await get(await start(sourceOf(status(more))), '/healthz');
    expect(answer).toMatchObject({ status: code, body: expect.stringMatching(text) });
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
  });

  it('names every problem', async () => {
    const both = { workers: [], certificates: [certificate({ status: 'missing' })] };
    const { body } = await get(await start(sourceOf(status(both))), '/healthz');
    expect(body.trim().split('\n')).toHaveLength(2);
  });
});

describe('a page on the Internet whose name points here', () => {
  it.each(['evil.example', 'evil.example:9180', 'localhost.evil.example', '127.0.0.1.evil.example'])(
    'reads nothing: Host %j',
    async (host) => {
      expect(await get(await start(), '/api/status', { headers: { host } })).toMatchObject({ status: 403 });
    },
  );

  it.each([
    'localhost',
    'LOCALHOST:80',
    'rigil.localhost',
    '127.0.0.1:9180',
    '10.1.2.3',
    '[::1]:9180',
    '[::1]',
  ])('is not Host %s', async (host) => {
    expect(await get(await start(), '/api/status', { headers: { host } })).toMatchObject({ status: 200 });
  });

  it('is not the host of the configuration', async () => {
    const server = await start(sourceOf(), { kind: 'tcp', host: 'localhost', port: 0 });
    const options = { host: 'localhost', headers: { host: 'localhost' } };
    expect(await get(server, '/', options)).toMatchObject({ status: 200 });
  });
});

describe('listening', () => {
  it('names an address in use', async () => {
    const first = await start();
    const second = new AdminServer(sourceOf());
    await expect(second.listen({ ...LOOPBACK, port: first.port ?? 0 })).rejects.toMatchObject({
      code: 'address-in-use',
      message: expect.stringContaining(`127.0.0.1:${first.port}`),
    });
  });

  it('may be on a unix socket, where any Host will do', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rigil-admin-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'admin');
    const server = await start(sourceOf(), { kind: 'unix', path });
    const answer = await get(server, '/healthz', { socketPath: path, headers: { host: 'whatever' } });
    expect(answer).toMatchObject({ status: 200, body: 'ok\n' });
    await expect(new AdminServer(sourceOf()).listen({ kind: 'unix', path })).rejects.toMatchObject({
      code: 'address-in-use',
    });
  });
});
