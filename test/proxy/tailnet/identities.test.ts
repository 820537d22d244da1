import { describe, expect, it, onTestFinished } from 'vitest';
import type { Event } from '../../../src/events/event.ts';
import { Identities, type IdentitiesOptions } from '../../../src/proxy/tailnet/identities.ts';
import { startTailscale, type TailscaleStandIn, type World } from '../../tailscale/stand-in.ts';

async function setUp(world: Partial<World> = {}, options: Partial<IdentitiesOptions> = {}) {
  const daemon = await startTailscale({
    devices: { '100.64.0.2': { login: 'alice@example.com', name: 'Alice' } },
    ...world,
  });
  onTestFinished(() => daemon[Symbol.asyncDispose]());
  const events: Event[] = [];
  const identities = new Identities({
    tailnet: () => ({ socket: daemon.socket, addresses: ['100.64.0.1'] }),
    emit: (event) => events.push(event),
    patienceMs: 20_000,
    ...options,
  });
  const find = (address: string | null) =>
    new Promise<string | null>((done) => identities.find(address, (fields) => done(fields[1] ?? null)));
  return { daemon, identities, find, events };
}

const asked = (daemon: TailscaleStandIn) => daemon.requests.map((path) => path.split('addr=')[1]);

describe('who a device belongs to', () => {
  it('is asked of the daemon once, by the address alone', async () => {
    const { daemon, find } = await setUp();
    const answers = await Promise.all(['100.64.0.2', '::ffff:100.64.0.2', '100.64.0.2'].map(find));
    expect(answers).toEqual(['alice@example.com', 'alice@example.com', 'alice@example.com']);
    expect(asked(daemon)).toEqual(['100.64.0.2']);
  });

  it('is known without a wait from then on', async () => {
    const { identities, find } = await setUp();
    await find('100.64.0.2');
    let login: string | undefined;
    identities.find('100.64.0.2', (fields) => {
      login = fields[1];
    });
    expect(login).toBe('alice@example.com');
  });

  it('is asked again when the answer is old', async () => {
    const { daemon, find } = await setUp({}, { keepMs: 0 });
    await find('100.64.0.2');
    daemon.world.devices = { '100.64.0.2': { login: 'bob@example.com', name: 'Bob' } };
    expect(await find('100.64.0.2')).toBe('bob@example.com');
  });

  it('is nobody for an unknown address, a device with tags and a peer without address', async () => {
    const { find, events } = await setUp({
      devices: { '100.64.0.3': { login: 'tagged-devices', name: '', tags: ['tag:x'] } },
    });
    expect(await Promise.all(['100.64.0.9', '100.64.0.3', null].map(find))).toEqual([null, null, null]);
    expect(events).toEqual([]);
  });

  it('is nobody for a program of this machine, whoever the machine belongs to', async () => {
    const { daemon, find } = await setUp({
      devices: { '100.64.0.1': { login: 'owner@example.com', name: '' } },
    });
    expect(await find('100.64.0.1')).toBeNull();
    expect(asked(daemon)).toEqual([]);
  });

  it('is nobody when the daemon does not answer in time, and then nobody waits for a while', async () => {
    const { daemon, identities, find, events } = await setUp(
      { beforeWhois: () => new Promise(() => {}) },
      { patienceMs: 20 },
    );
    expect(await find('100.64.0.2')).toBeNull();
    let isAtOnce = false;
    identities.find('100.64.0.2', () => {
      isAtOnce = true;
    });
    expect(isAtOnce).toBe(true);
    expect(events).toMatchObject([{ event: 'tailnet.whois.failed', address: '100.64.0.2' }]);
    expect(asked(daemon).length).toBeLessThan(2);
  });

  it('is taken up when the answer comes late', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { identities, find } = await setUp({ beforeWhois: () => promise }, { patienceMs: 20 });
    expect(await find('100.64.0.2')).toBeNull();
    resolve();
    let login: string | undefined;
    while (login === undefined) {
      await new Promise((done) => setTimeout(done, 5));
      identities.find('100.64.0.2', (fields) => {
        login = fields[1];
      });
    }
    expect(login).toBe('alice@example.com');
  });

  it('keeps no other device waiting', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let first = true;
    const { find } = await setUp({
      devices: { '100.64.0.4': { login: 'carol@example.com', name: '' } },
      beforeWhois: () => {
        const wait = first ? promise : undefined;
        first = false;
        return wait;
      },
    });
    const slow = find('100.64.0.2');
    expect(await find('100.64.0.4')).toBe('carol@example.com');
    resolve();
    expect(await slow).toBeNull();
  });

  it('is nobody without a daemon, and what another one said is forgotten', async () => {
    let socket: string | null = null;
    const { daemon, find, events } = await setUp(
      {},
      { tailnet: () => (socket === null ? null : { socket, addresses: [] }) },
    );
    expect(await find('100.64.0.2')).toBeNull();
    socket = daemon.socket;
    expect(await find('100.64.0.2')).toBe('alice@example.com');
    socket = `${daemon.socket}.gone`;
    expect(await find('100.64.0.2')).toBeNull();
    expect(events).toMatchObject([{ event: 'tailnet.whois.failed' }]);
  });

  it('is remembered for so many devices and no more', async () => {
    const { daemon, find } = await setUp({}, { capacity: 10 });
    for (let index = 0; index < 12; index += 1) await find(`100.64.1.${index}`);
    await find('100.64.1.11');
    await find('100.64.1.0');
    expect(asked(daemon)).toHaveLength(13);
  });
});
