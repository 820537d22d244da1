import tls from 'node:tls';
import { expect, it, onTestFinished } from 'vitest';
import { eventually, startDaemon } from '../../e2e/daemon.ts';
import { startUpstream } from '../../e2e/upstream.ts';

const GET = 'GET / HTTP/1.1\r\nHost: example.test\r\n\r\n';

/** A TLS connection that has asked once; `end` is what became of it when it was closed. */
function visit(
  port: number,
  localAddress: string,
): { answered: Promise<boolean>; closed: () => boolean; leave(): void } {
  const options = {
    host: '127.0.0.1',
    port,
    localAddress,
    servername: 'example.test',
    rejectUnauthorized: false,
  };
  const socket = tls.connect(options);
  let closed = false;
  onTestFinished(() => void socket.destroy());
  const answered = new Promise<boolean>((resolve) => {
    socket.once('secureConnect', () => socket.write(GET));
    socket.once('data', (data) => resolve(data.toString().startsWith('HTTP/1.1 200')));
    socket.on('error', () => {});
    socket.once('close', () => {
      closed = true;
      resolve(false);
    });
  });
  return { answered, closed: () => closed, leave: () => void socket.destroy() };
}

it('the daemon holds its caps, counts whom it sends away, and takes new ones with a reload', async () => {
  await using upstream = await startUpstream('caps');
  const route = `route example.test\nupstream ${upstream.address}`;
  const caps = (most: number, perAddress: string) =>
    `max-connections ${most}\nmax-connections-per-address ${perAddress}\n`;
  await using daemon = await startDaemon(caps(100, '2') + route, { workers: 1 });
  const { https } = daemon.ports;

  const two = [visit(https, '127.0.0.1'), visit(https, '127.0.0.1')];
  for (const { answered } of two) expect(await answered).toBe(true);
  expect(await visit(https, '127.0.0.1').answered).toBe(false);
  expect(await visit(https, '127.0.0.2').answered).toBe(true);
  expect(await daemon.metrics()).toContain(
    'rigil_connections_refused_total{reason="max-connections-per-address"} 1\n',
  );
  two[0]?.leave();
  await eventually('a free place', async () => (await visit(https, '127.0.0.1').answered) || undefined);

  daemon.configure(caps(3, 'off') + route);
  expect((await daemon.reload()).event).toBe('config.loaded');
  // Four are there by now, all idle: each that comes makes one of them leave.
  for (let n = 0; n < 5; n++) expect(await visit(https, '127.0.0.3').answered).toBe(true);
  await eventually('three connections', async () => {
    const [worker] = (await daemon.status()).workers;
    return (worker?.connections ?? 9) <= 3 || undefined;
  });
});
