import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { testAuthority } from './authority.ts';
import { startDoor, visit } from './door.ts';

const run = promisify(execFile);
const authority = await testAuthority();
const [one, two] = await Promise.all([authority.issue(['one.test']), authority.issue(['two.test'])]);

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('a session of %s', (version) => {
  const client = { servername: 'one.test', minVersion: version, maxVersion: version };

  async function sessionOf(port: number): Promise<Buffer> {
    const { session, resumed } = await visit(port, client);
    expect(resumed).toBe(false);
    if (session === null) throw new Error('no session was offered');
    return session;
  }

  it('that one worker began is resumed by another', async () => {
    const worker = { names: ['one.test'], certificates: [one], ticketKeys: randomBytes(48) };
    const [first, second] = [await startDoor(worker), await startDoor(worker)];
    const session = await sessionOf(first.port);
    expect(await visit(second.port, { ...client, session })).toMatchObject({
      resumed: true,
      error: null,
    });
  });

  it('goes on when the server that it began with cannot renew tickets, and the other way round', async () => {
    const ticketKeys = randomBytes(48);
    const { port } = await startDoor({ names: ['one.test'], certificates: [one], ticketKeys });
    // Node's own tickets, as another release of ours may make them.
    const plain = tls.createServer({
      cert: one.chain,
      key: one.key,
      ticketKeys,
      // A session of TLS 1.3 is resumed with the hash that it began with.
      ciphers: 'TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256',
      sessionIdContext: one.fingerprint.slice(0, 32),
    });
    plain.on('secureConnection', (socket) => socket.end('plain'));
    plain.on('tlsClientError', () => {});
    plain.listen(0, '127.0.0.1');
    await once(plain, 'listening');
    onTestFinished(() => void plain.close());
    const plainPort = (plain.address() as AddressInfo).port;
    const ours = await sessionOf(port);
    expect(await visit(plainPort, { ...client, session: ours })).toMatchObject({
      resumed: true,
      said: 'plain',
    });
    const theirs = await sessionOf(plainPort);
    expect(await visit(port, { ...client, session: theirs })).toMatchObject({ resumed: true });
  });

  it('is offered for a day', async () => {
    const ticketKeys = randomBytes(48);
    const { port } = await startDoor({ names: ['one.test'], certificates: [one], ticketKeys });
    const flag = version === 'TLSv1.2' ? '-tls1_2' : '-tls1_3';
    const { stdout } = await run('openssl', [
      's_client',
      ...['-connect', `127.0.0.1:${port}`, '-servername', 'one.test', flag, '-ign_eof'],
    ]);
    expect(stdout).toMatch(/TLS session ticket lifetime hint: 86400 \(seconds\)/);
  });

  it('is not believed when its ticket was tampered with', async () => {
    const ticketKeys = randomBytes(48);
    const { port } = await startDoor({ names: ['one.test'], certificates: [one], ticketKeys });
    const session = await sessionOf(port);
    const at = session.indexOf(ticketKeys.subarray(0, 16));
    expect(at).toBeGreaterThan(0);
    // In the name of the keys, in the vector, in what is sealed.
    for (const offset of [0, 20, 60]) {
      const broken = Buffer.from(session);
      broken[at + offset] = (broken[at + offset] ?? 0) ^ 1;
      expect(await visit(port, { ...client, session: broken })).toMatchObject({
        resumed: false,
        error: null,
        said: 'one.test -\n',
      });
    }
  });

  it('ends with its ticket keys', async () => {
    const { port, publish } = await startDoor({
      names: ['one.test'],
      certificates: [one],
      ticketKeys: randomBytes(48),
    });
    const session = await sessionOf(port);
    publish((snapshot) => ({ ...snapshot, ticketKeys: randomBytes(48) }));
    expect(await visit(port, { ...client, session })).toMatchObject({ resumed: false, said: 'one.test -\n' });
  });

  it('ends with its certificate, so that nobody resumes past a revocation', async () => {
    const { port, publish } = await startDoor({
      names: ['one.test'],
      certificates: [one],
      ticketKeys: randomBytes(48),
    });
    const session = await sessionOf(port);
    const replacement = await authority.issue(['one.test']);
    publish((snapshot) => ({ ...snapshot, certificates: new Map([['one.test', replacement]]) }));
    expect(await visit(port, { ...client, session })).toMatchObject({ resumed: false, said: 'one.test -\n' });
  });

  it('survives a new staple', async () => {
    const { port, publish } = await startDoor({
      names: ['one.test'],
      certificates: [one],
      ticketKeys: randomBytes(48),
    });
    const session = await sessionOf(port);
    const stapled = { ...one, staple: Buffer.from('anything') };
    publish((snapshot) => ({ ...snapshot, certificates: new Map([['one.test', stapled]]) }));
    expect(await visit(port, { ...client, session })).toMatchObject({ resumed: true });
  });

  it('is not resumed under another name', async () => {
    const { port } = await startDoor({
      names: ['one.test', 'two.test'],
      certificates: [one, two],
      ticketKeys: randomBytes(48),
    });
    const session = await sessionOf(port);
    expect(await visit(port, { ...client, servername: 'two.test', session })).toMatchObject({
      resumed: false,
      subject: 'two.test',
    });
  });
});

// In TLS 1.2 a ticket may be used again.
describe('a session of TLSv1.3', () => {
  it('is followed by another for whoever resumed it, so that each ticket can be used once', async () => {
    const ticketKeys = randomBytes(48);
    const { port } = await startDoor({ names: ['one.test'], certificates: [one], ticketKeys });
    const client = { servername: 'one.test', minVersion: 'TLSv1.3' } as const;
    let { session } = await visit(port, client);
    const used = new Set<string>();
    for (let round = 0; round < 4; round += 1) {
      if (session === null) throw new Error(`there is no ticket for resumption ${round}`);
      used.add(session.toString('hex'));
      const next = await visit(port, { ...client, session });
      expect(next).toMatchObject({ resumed: true, error: null });
      session = next.session;
    }
    expect(used.size).toBe(4);
  });
});
