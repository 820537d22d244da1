import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  linkSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type BindAddress, bind, handleOfOlderNode } from '../../src/platform/bind.ts';

const LOOPBACK = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rigil-bind-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('bind', () => {
  it('takes a port without answering on it', async () => {
    const bound = await bind(LOOPBACK);
    const port = bound.port ?? 0;
    expect(port).toBeGreaterThan(0);
    expect(bound.fd).toBeGreaterThan(2);
    await expect(connected({ host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    bound.close();
    bound.close();
    (await bind({ ...LOOPBACK, port })).close();
  });

  it('looks names up', async () => {
    const bound = await bind({ kind: 'tcp', host: 'localhost', port: 0 });
    expect(bound.address).toBe('localhost:0');
    bound.close();
  });

  it('takes IPv4 and IPv6 when no host is named', async () => {
    const bound = await bind({ kind: 'tcp', host: null, port: 0 });
    const server = net.createServer().listen({ fd: bound.fd });
    await once(server, 'listening');
    await connected({ host: '127.0.0.1', port: bound.port ?? 0 });
    server.close();
  });

  it.each<[string, () => BindAddress | Promise<BindAddress>, string, RegExp]>([
    [
      'a port in use',
      async () => ({ ...LOOPBACK, port: await listening() }),
      'address-in-use',
      /another address/,
    ],
    [
      'an address of another machine',
      () => ({ ...LOOPBACK, host: '192.0.2.1' }),
      'address-unusable',
      /ip address/,
    ],
    [
      'a folder that is not there',
      () => ({ kind: 'unix', path: join(folder, 'no', 's') }),
      'address-unusable',
      /./,
    ],
    ['a descriptor that nobody passed', () => ({ kind: 'fd', fd: 4_000 }), 'address-unusable', /systemd/],
    ['a descriptor that is no socket', () => ({ kind: 'fd', fd: openFile() }), 'address-unusable', /systemd/],
  ])('names %s, and the way out', async (_what, addressOf, code, hint) => {
    await expect(bind(await addressOf())).rejects.toMatchObject({ code, hint: expect.stringMatching(hint) });
  });

  it.skipIf(process.platform !== 'linux')('says who has a port or a socket', async () => {
    const port = await listening();
    const path = join(folder, 'socket');
    const server = net.createServer().listen(path);
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    for (const address of [
      { ...LOOPBACK, port },
      { kind: 'unix', path },
    ] as const) {
      await expect(bind(address)).rejects.toMatchObject({
        message: expect.stringMatching(new RegExp(`in use by ".+" \\(process ${process.pid}\\)`)),
      });
    }
  });

  it.skipIf(process.platform !== 'linux')('knows the workers of a rigil that was killed', async () => {
    const program = `process.title = 'rigil: worker 1';
      require('node:net').createServer().listen(0, '127.0.0.1', function () { process.send(this.address().port); });`;
    const orphan = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    onTestFinished(() => void orphan.kill('SIGKILL'));
    const [port] = (await once(orphan, 'message')) as [number];
    await expect(bind({ ...LOOPBACK, port })).rejects.toMatchObject({
      code: 'address-in-use',
      message: expect.stringContaining('workers of a rigil'),
      hint: expect.stringContaining(`kill ${orphan.pid}`),
    });
  });

  it('says which name it could not look up', async () => {
    await expect(bind({ kind: 'tcp', host: 'no-such-host.invalid', port: 0 })).rejects.toMatchObject({
      code: 'address-unusable',
      message: expect.stringContaining('no-such-host.invalid'),
    });
  });

  describe('a unix socket', () => {
    it('is for user and group, and goes away with its owner', async () => {
      const path = join(folder, 'socket');
      const bound = await bind({ kind: 'unix', path });
      expect(statSync(path).mode & 0o777).toBe(0o660);
      expect(bound).toMatchObject({ address: `unix:${path}`, port: null });
      bound.close();
      expect(() => statSync(path)).toThrow();
    });

    it('replaces one that a killed process left behind', async () => {
      const path = join(folder, 'socket');
      await leaveStaleSocket(path);
      (await bind({ kind: 'unix', path })).close();
    });

    it('is not taken from somebody who answers', async () => {
      const path = join(folder, 'socket');
      const server = net.createServer().listen(path);
      onTestFinished(() => void server.close());
      await once(server, 'listening');
      await expect(bind({ kind: 'unix', path })).rejects.toMatchObject({ code: 'address-in-use' });
      await connected({ path });
    });

    it('never replaces another kind of file', async () => {
      const path = join(folder, 'precious');
      writeFileSync(path, 'data');
      await expect(bind({ kind: 'unix', path })).rejects.toMatchObject({ code: 'address-in-use' });
      expect(readFileSync(path, 'utf8')).toBe('data');
    });
  });
});

describe('the way of Node 24 and 25', () => {
  it('binds without listening', () => {
    const handle = handleOfOlderNode({ host: '127.0.0.1', port: 0 });
    expect(handle.fd).toBeGreaterThan(2);
    expect(handle.port).toBeGreaterThan(0);
    handle.close();
    const path = join(folder, 'socket');
    const pipe = handleOfOlderNode({ path });
    expect(statSync(path).isSocket()).toBe(true);
    pipe.close();
  });

  it('notices a port in use at once', async () => {
    const port = await listening();
    expect(() => handleOfOlderNode({ host: '127.0.0.1', port })).toThrow(
      expect.objectContaining({ code: 'EADDRINUSE' }),
    );
  });

  it('says what the system said', () => {
    expect(() => handleOfOlderNode({ host: '192.0.2.1', port: 0 })).toThrow(
      expect.objectContaining({ code: 'EADDRNOTAVAIL' }),
    );
  });
});

async function listening(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return (server.address() as net.AddressInfo).port;
}

async function connected(to: net.NetConnectOpts): Promise<void> {
  const socket = net.connect(to);
  await once(socket, 'connect');
  socket.destroy();
}

/** A socket file whose process died: a hard link survives the clean-up of a server that ends properly. */
async function leaveStaleSocket(path: string): Promise<void> {
  const server = net.createServer().listen(`${path}.first`);
  await once(server, 'listening');
  linkSync(`${path}.first`, path);
  server.close();
  await once(server, 'close');
}

function openFile(): number {
  const fd = openSync(join(folder, 'file'), 'w');
  onTestFinished(() => closeSync(fd));
  return fd;
}
