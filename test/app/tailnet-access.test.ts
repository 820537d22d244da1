import { describe, expect, it, onTestFinished } from 'vitest';
import { TailnetAccess } from '../../src/app/tailnet-access.ts';
import { RigilError } from '../../src/errors.ts';
import type { Event } from '../../src/events/event.ts';
import { addressText } from '../../src/platform/bind.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { valid } from '../config/parse-text.ts';
import { startTailscale } from '../tailscale/stand-in.ts';

/** An access that knows these addresses, and where it listens besides for lines of `global`. */
async function setUp(addresses: string[]) {
  const daemon = await startTailscale({ addresses });
  const events: Event[] = [];
  const access = new TailnetAccess({
    clock: systemClock,
    emit: (event) => events.push(event),
    onChange: async () => {},
  });
  onTestFinished(async () => {
    access.stop();
    await daemon[Symbol.asyncDispose]();
  });
  const globalOf = (...lines: string[]) => valid(['global', ...lines].join('\n')).global;
  await access.look({ socket: daemon.socket, http: 'redirect' });
  // The first answer may come later on a busy machine.
  while (!events.some(({ event }) => event === 'tailnet.joined')) await systemClock.sleep(5);
  const listeners = (...lines: string[]) =>
    access.listenersOf(globalOf(`tailscale ${daemon.socket}`, ...lines));
  const besides = (...lines: string[]) => {
    const { besides: more } = listeners(...lines);
    return [...(more?.https ?? []), ...(more?.http ?? [])].map(addressText);
  };
  return { access, daemon, events, besides, listeners, globalOf };
}

describe('where a tailnet is listened for', () => {
  it.each<[string, string[], string[]]>([
    [
      'besides a loopback address',
      ['https 127.0.0.1:443', 'http 127.0.0.1:80'],
      ['100.64.0.1:443', '[fd7a::1]:443', '100.64.0.1:80', '[fd7a::1]:80'],
    ],
    ['nowhere besides all addresses', ['https :443', 'http :80'], []],
    ['besides all IPv4 addresses', ['https 0.0.0.0:443', 'http off'], ['[fd7a::1]:443']],
    ['nowhere besides all IPv6 addresses, which are those of IPv4, too', ['https [::]:443', 'http off'], []],
    ['besides the address itself', ['https 100.64.0.1:443', 'http off'], ['[fd7a::1]:443']],
    [
      'at each port once',
      ['https 127.0.0.1:443 127.0.0.2:443 127.0.0.1:8443', 'http off'],
      ['100.64.0.1:443', '100.64.0.1:8443', '[fd7a::1]:443', '[fd7a::1]:8443'],
    ],
    ['at no port that nobody knows', ['https 127.0.0.1:0 unix:/run/x', 'http off'], []],
    ['at no port that the admin endpoint has', ['https 127.0.0.1:443', 'http off', 'admin :443 ::1'], []],
  ])('%s', async (_, lines, expected) => {
    const { besides } = await setUp(['100.64.0.1', 'fd7a::1']);
    expect(besides(...lines)).toEqual(expected);
  });

  it('is nowhere without `tailscale`, or with another daemon', async () => {
    const { access, globalOf } = await setUp(['100.64.0.1']);
    for (const line of ['tailscale off', 'tailscale /run/other.sock']) {
      const { besides } = access.listenersOf(globalOf(line, 'https 127.0.0.1:443'));
      expect(besides?.https).toEqual([]);
    }
    expect(access.use(globalOf('tailscale off'))).toBeNull();
    expect(access.use(globalOf('tailscale /run/other.sock'))).toMatchObject({ addresses: [] });
  });

  it('tells of an address that cannot be had once, as long as it is the same trouble', async () => {
    const { events, listeners } = await setUp(['100.64.0.1']);
    const trouble = (message: string) => new RigilError('address-in-use', message);
    listeners().besides?.onMissing('100.64.0.1:443', trouble('in use'));
    listeners().besides?.onMissing('100.64.0.1:443', trouble('in use'));
    listeners().besides?.onMissing('100.64.0.1:443', trouble('forbidden'));
    const told = events.filter(({ event }) => event === 'tailnet.listener.failed');
    expect(told).toMatchObject([{ message: 'in use' }, { message: 'forbidden' }]);
  });
});
