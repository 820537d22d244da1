import { createServer } from 'node:net';
import { connect } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { validationCertificate } from '../../src/acme/solvers/tls-alpn-01.ts';
import { httpKey, tlsAlpnKey } from '../../src/challenges/answer-key.ts';
import type { TakeDown } from '../../src/challenges/board.ts';
import { StandaloneBoard } from '../../src/challenges/standalone.ts';
import { systemClock } from '../../src/platform/clock.ts';

const noSignal = new AbortController().signal;
const anywhere = { host: '127.0.0.1', port: 0 };
const TOKEN = 'token-of-sixteen-or-more';

describe('listeners of a command without a daemon', () => {
  const left: TakeDown[] = [];
  afterEach(async () => {
    await Promise.all(left.splice(0).map((takeDown) => takeDown()));
  });

  it('answer by HTTP while there is an answer', async () => {
    const board = new StandaloneBoard({ 'http-01': anywhere });
    expect(await board.port('http-01')).toBeNull();
    const takeDown = await board.put(httpKey(TOKEN), { type: 'http-01', body: `${TOKEN}.thumb` }, noSignal);
    const other = await board.put(httpKey(`${TOKEN}2`), { type: 'http-01', body: 'two' }, noSignal);
    const port = await board.port('http-01');
    const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
    const reply = await ask(`/.well-known/acme-challenge/${TOKEN}`);
    expect([reply.status, await reply.text()]).toEqual([200, `${TOKEN}.thumb`]);
    expect((await ask('/')).status).toBe(404);
    await takeDown();
    expect((await ask(`/.well-known/acme-challenge/${TOKEN}`)).status).toBe(404);
    await other();
    await expect(ask('/')).rejects.toThrow();
    expect(await board.port('http-01')).toBeNull();
  });

  it('show the certificate of the name that is asked for, in acme-tls/1 and nothing else', async () => {
    const board = new StandaloneBoard({ 'tls-alpn-01': anywhere });
    const certificate = await validationCertificate(
      'a.example.org',
      'key',
      systemClock.now(),
      Buffer.alloc(16),
    );
    left.push(
      await board.put(tlsAlpnKey('a.example.org'), { type: 'tls-alpn-01', ...certificate }, noSignal),
    );
    const port = (await board.port('tls-alpn-01')) ?? 0;
    const seen = await handshake({ port, servername: 'a.example.org', ALPNProtocols: ['acme-tls/1'] });
    expect(seen).toEqual({ protocol: 'acme-tls/1', names: 'DNS:a.example.org' });
    await expect(
      handshake({ port, servername: 'b.example.org', ALPNProtocols: ['acme-tls/1'] }),
    ).rejects.toThrow();
    await expect(
      handshake({ port, servername: 'a.example.org', ALPNProtocols: ['http/1.1'] }),
    ).rejects.toThrow();
  });

  it('end at once although somebody is connected', async () => {
    const board = new StandaloneBoard({ 'http-01': anywhere });
    const takeDown = await board.put(httpKey(TOKEN), { type: 'http-01', body: 'one' }, noSignal);
    const { createConnection } = await import('node:net');
    const socket = createConnection((await board.port('http-01')) ?? 0, '127.0.0.1');
    const closed = new Promise((resolve) => socket.on('error', () => {}).on('close', resolve));
    await new Promise((resolve) => socket.on('connect', resolve));
    socket.write('GET / HTTP/1.1\r\n');
    await takeDown();
    await closed;
  });

  it('say which address is taken, and put nothing up', async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', () => resolve()));
    const address = squatter.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const board = new StandaloneBoard({ 'http-01': { host: '127.0.0.1', port } });
    const put = () => board.put(httpKey(TOKEN), { type: 'http-01', body: 'one' }, noSignal);
    await expect(put()).rejects.toMatchObject({
      code: 'address-in-use',
      message: expect.stringContaining(`127.0.0.1:${port}`),
      hint: expect.stringContaining('rigil serve'),
    });
    await new Promise((resolve) => squatter.close(resolve));
    await (await put())();
  });

  it('are not opened for a signal that has aborted', async () => {
    const board = new StandaloneBoard({ 'http-01': anywhere });
    const put = board.put(httpKey(TOKEN), { type: 'http-01', body: 'one' }, AbortSignal.abort('stop'));
    await expect(put).rejects.toBe('stop');
    expect(await board.port('http-01')).toBeNull();
  });
});

function handshake(options: { port: number; servername: string; ALPNProtocols: string[] }) {
  return new Promise<{ protocol: string | false | null; names: string | undefined }>((resolve, reject) => {
    const socket = connect({ ...options, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      const names = socket.getPeerX509Certificate()?.subjectAltName;
      resolve({ protocol: socket.alpnProtocol, names });
      socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('closed')));
  });
}
