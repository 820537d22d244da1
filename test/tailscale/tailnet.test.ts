import { describe, expect, it, onTestFinished } from 'vitest';
import type { Event } from '../../src/events/event.ts';
import { systemHttp } from '../../src/platform/http.ts';
import { LocalApi } from '../../src/tailscale/local-api.ts';
import { Tailnet } from '../../src/tailscale/tailnet.ts';
import { FakeClock } from '../certs/fake-clock.ts';
import { startTailscale, type World } from './stand-in.ts';

async function setUp(world: Partial<World> = {}) {
  const daemon = await startTailscale(world);
  onTestFinished(() => daemon[Symbol.asyncDispose]());
  const events: Event[] = [];
  const clock = new FakeClock();
  const api = new LocalApi({ socket: daemon.socket, http: systemHttp, clock });
  const { signal } = new AbortController();
  const tailnet = new Tailnet({ api, clock, emit: (event) => events.push(event), signal });
  return { daemon, tailnet, names: () => events.map(({ event }) => event), events };
}

describe('the addresses of this machine in its tailnet', () => {
  it('are those that the daemon tells, and change with them', async () => {
    const { daemon, tailnet, events } = await setUp({ addresses: ['fd7a:115c:a1e0::1', '100.64.0.1'] });
    await tailnet.ask();
    expect(tailnet.addresses).toEqual(['100.64.0.1', 'fd7a:115c:a1e0::1']);
    daemon.world.addresses = ['100.64.0.9'];
    await tailnet.ask();
    await tailnet.ask();
    expect(tailnet.addresses).toEqual(['100.64.0.9']);
    expect(events).toEqual([
      { event: 'tailnet.joined', addresses: ['100.64.0.1', 'fd7a:115c:a1e0::1'] },
      { event: 'tailnet.joined', addresses: ['100.64.0.9'] },
    ]);
    expect(daemon.requests[0]).toBe('/localapi/v0/status?peers=false');
  });

  it('stay while the daemon is away, which is told once', async () => {
    const { daemon, tailnet, names, events } = await setUp({ addresses: ['100.64.0.1'] });
    await tailnet.ask();
    await daemon.stop();
    await tailnet.ask();
    await tailnet.ask();
    expect(tailnet.addresses).toEqual(['100.64.0.1']);
    expect(events[1]).toMatchObject({ event: 'tailnet.lost', code: 'tailscale-unreachable' });
    await daemon.start();
    await tailnet.ask();
    expect(names()).toEqual(['tailnet.joined', 'tailnet.lost', 'tailnet.joined']);
  });

  it.each<[string, Partial<World>]>([
    ['nobody is logged in', { state: 'NeedsLogin' }],
    ['it is stopped', { state: 'Stopped' }],
    ['it has no interface', { tun: false }],
  ])('are none when %s', async (_case, world) => {
    const { tailnet, events } = await setUp(world);
    await tailnet.ask();
    expect(tailnet.addresses).toEqual([]);
    expect(events).toMatchObject([{ event: 'tailnet.lost', code: 'tailscale-refused' }]);
  });
});
