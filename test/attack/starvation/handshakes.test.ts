import net from 'node:net';
import { duplexPair } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { until } from '../../proxy/fixture.ts';
import { alert, clientHello, startDoor, talk } from '../../proxy/tls/door.ts';
import { heldBytes } from './memory.ts';

/** `RIGIL_ATTACK_ROUNDS` times as much as in the usual tests. */
const ROUNDS = Number(process.env['RIGIL_ATTACK_ROUNDS'] ?? 1);

describe('names that nobody knows', () => {
  it('leave nothing behind but a count', async () => {
    const test = await startDoor({ names: ['example.test'] });
    const template = await clientHello({ servername: 'n0000000.invalid', rejectUnauthorized: false });
    const at = template.indexOf('n0000000');
    const ask = async (number: number) => {
      const hello = Buffer.from(template);
      hello.write(`n${String(number).padStart(7, '0')}`, at, 'latin1');
      const [client, server] = duplexPair();
      const answer = new Promise<Buffer>((resolve) => client.once('data', resolve));
      test.door.accept(server as unknown as net.Socket);
      client.end(hello);
      expect(await answer).toEqual(alert(112));
    };
    const count = 4_000 * ROUNDS;
    for (let n = 0; n < 500; n++) await ask(n);
    const before = heldBytes();
    for (let n = 500; n < count; n++) await ask(n);
    expect(heldBytes() - before).toBeLessThan(2 ** 20);
    expect(test.counters.values().tlsHello).toEqual({ 'known="true"': 0, 'known="false"': count });
    expect(test.events).toEqual([]);
    expect(test.door.pending).toBe(0);
  }, 300_000);
});

describe('hundreds of handshakes that are not finished', () => {
  const HELLO = clientHello({ servername: 'example.test', rejectUnauthorized: false });

  it.each([
    ['without a byte', async () => Buffer.alloc(0)],
    ['with the first byte', async () => Buffer.from([22])],
    ['with half a hello', async () => (await HELLO).subarray(0, 200)],
    ['with a hello that promises 64 KiB', async () => Buffer.from([22, 3, 1, 64, 0, 1, 0, 255, 255])],
  ])('all end in time, and leave nothing: %s', async (_, bytes) => {
    const test = await startDoor({ names: ['example.test'], timeoutMs: 400 });
    const beginning = await bytes();
    const before = heldBytes();
    const clients = Array.from({ length: 300 }, () => net.connect(test.port, '127.0.0.1'));
    const ended = clients.map((socket) => {
      onTestFinished(() => void socket.destroy());
      if (beginning.length > 0) socket.write(beginning);
      socket.on('error', () => {});
      return new Promise((resolve) => socket.once('close', resolve));
    });
    await until(() => test.door.pending > 0);
    await Promise.all(ended);
    await until(() => test.door.pending === 0);
    expect(heldBytes() - before).toBeLessThan(4 * 2 ** 20);
  });
});

it('a hello that comes byte by byte does not outlast its time', async () => {
  const test = await startDoor({ names: ['example.test'], timeoutMs: 300 });
  const hello = await clientHello({ servername: 'example.test', rejectUnauthorized: false });
  const socket = net.connect({ port: test.port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => {});
  let sent = 0;
  const drip = setInterval(() => socket.write(hello.subarray(sent, ++sent)), 5);
  onTestFinished(() => clearInterval(drip));
  await new Promise((resolve) => socket.once('close', resolve));
  expect(sent).toBeLessThan(hello.length);
  await until(() => test.door.pending === 0);
});

it('a server name list of 64 KiB is refused', async () => {
  const test = await startDoor({ names: ['example.test'] });
  const record = (bytes: Buffer) =>
    Buffer.concat([Buffer.from([22, 3, 1, bytes.length >> 8, bytes.length & 255]), bytes]);
  const size = 65_536;
  const hello = Buffer.concat([Buffer.from([1, 0, 255, 255, 3, 3]), Buffer.alloc(size, 1)]);
  const records: Buffer[] = [];
  for (let at = 0; at < hello.length; at += 16_384) records.push(record(hello.subarray(at, at + 16_384)));
  expect(await talk(test.port, records)).toEqual(alert(50));
});
