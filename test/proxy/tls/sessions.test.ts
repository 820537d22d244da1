import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { testAuthority } from './authority.ts';
import { startDoor, visit } from './door.ts';

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
