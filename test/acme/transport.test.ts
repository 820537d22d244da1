import { createServer } from 'node:http';
import { connect, createServer as createPlainServer } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Transport } from '../../src/acme/transport.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { type FakeCa, startFakeCa } from './fake-ca/server.ts';
import { noSignal } from './workbench.ts';

let ca: FakeCa;
beforeAll(async () => {
  ca = await startFakeCa();
});
afterAll(() => ca.stop());

const open = (timeoutMs = 15_000) =>
  new Transport({ clock: systemClock, version: '1.2.3', roots: ca.roots, timeoutMs });
const get = (transport: Transport, signal = noSignal) =>
  transport.send({ method: 'GET', url: ca.directory }, signal);

it('ends a request that gets no answer', async () => {
  ca.disturb('directory', () => 'hang');
  await expect(get(open(100))).rejects.toMatchObject({
    code: 'issuer-unavailable',
    message: expect.stringContaining('nothing within 0.1 s'),
  });
  ca.disturb('directory', () => null);
});

it('ends a request with the signal, with its reason', async () => {
  const controller = new AbortController();
  ca.disturb(
    'directory',
    () => {
      controller.abort('stop');
      return 'hang';
    },
    1,
  );
  const reply = get(open(), controller.signal);
  await expect(reply).rejects.toBe('stop');
});

it('keeps its connection for the next request, says who it is, and lets go of it', async () => {
  const connections = new Set<number | undefined>();
  ca.onRequest = ({ headers, socket }) => {
    connections.add(socket.remotePort);
    expect(headers['user-agent']).toBe('rigil/1.2.3');
    expect(headers['accept-language']).toBe('en');
  };
  const transport = open();
  await get(transport);
  await get(transport);
  expect(connections.size).toBe(1);
  transport.close();
});

it.each([
  ['nobody listens', 'https://127.0.0.1:1/', 'ECONNREFUSED'],
  ['no such host exists', 'https://no-such-host.invalid/', ''],
])('says when %s', async (_, url, why) => {
  await expect(open().send({ method: 'GET', url }, noSignal)).rejects.toMatchObject({
    code: 'issuer-unavailable',
    message: expect.stringContaining(why),
  });
});

it('says when somebody else listens', async () => {
  const server = createPlainServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : '';
  const reply = open().send({ method: 'GET', url: `https://127.0.0.1:${port}/` }, noSignal);
  await expect(reply).rejects.toMatchObject({ code: 'issuer-unavailable' });
  server.close();
});

it('goes through the proxy of the environment, but not to whom it excepts', async () => {
  const asked: string[] = [];
  const proxy = createServer().on('connect', (request, client) => {
    asked.push(request.url ?? '');
    const [host = '', port = ''] = (request.url ?? '').split(':');
    const server = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      server.pipe(client).pipe(server);
    });
    client.on('error', () => server.destroy());
    server.on('error', () => client.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', () => resolve()));
  const address = proxy.address();
  const HTTPS_PROXY = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  for (const environment of [{ HTTPS_PROXY }, { HTTPS_PROXY, NO_PROXY: '127.0.0.1' }, {}]) {
    const transport = new Transport({ clock: systemClock, version: '1.2.3', roots: ca.roots, environment });
    expect((await get(transport)).status).toBe(200);
    transport.close();
  }
  expect(asked).toEqual([new URL(ca.directory).host]);
  proxy.close();
  proxy.closeAllConnections();
});
