import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/events/event.ts';
import { HealthMonitor, type Target } from '../../src/health/monitor.ts';
import type { Question } from '../../src/health/probe.ts';
import { FakeClock } from '../certs/fake-clock.ts';

/** Upstreams that answer with the status that `answers` has for them, or not at all. */
function world() {
  const clock = new FakeClock();
  const events: Event[] = [];
  const changes: string[][] = [];
  const asked: { readonly host: string; readonly at: number }[] = [];
  const answers = new Map<string, number | 'silent' | 'refuses'>();
  const start = clock.now();
  let underWay = 0;
  let most = 0;
  const probe = async ({ host }: Question, signal: AbortSignal): Promise<number> => {
    asked.push({ host, at: clock.now() - start });
    underWay += 1;
    most = Math.max(most, underWay);
    try {
      const answer = answers.get(host) ?? 200;
      if (answer === 'refuses') throw new Error('connect ECONNREFUSED');
      if (answer !== 'silent') return answer;
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      throw signal.reason;
    } finally {
      underWay -= 1;
    }
  };
  const monitor = new HealthMonitor({
    probe,
    clock,
    random: { fraction: () => 0, bytes: (size) => Buffer.alloc(size) },
    emit: (event) => events.push(event),
    onChange: (down) => changes.push([...down]),
  });
  return { clock, events, changes, asked, answers, monitor, most: () => most };
}

function target(host: string, more: Partial<Target> = {}): Target {
  return {
    key: host,
    route: 'example.test',
    question: { upstream: { scheme: 'http', host, port: 80 }, host, path: '/', userAgent: 'test' },
    intervalMs: 10_000,
    timeoutMs: 2_000,
    status: { first: 200, last: 399 },
    ...more,
  };
}

describe('an upstream that is asked how it is', () => {
  it('is asked at once, then once an interval', async () => {
    const { clock, asked, monitor } = world();
    monitor.use([target('a')]);
    expect(monitor.healthOf('a')).toMatchObject({ state: 'unknown' });
    await clock.advance(30_000);
    expect(asked.map(({ at }) => at)).toEqual([0, 10_000, 20_000, 30_000]);
    expect(monitor.healthOf('a')).toMatchObject({ state: 'up', problem: null });
  });

  it.each([
    ['refuses', 'connect ECONNREFUSED'],
    ['silent', 'no answer within 2000 ms'],
    [500, 'it answered with status 500'],
    [400, 'it answered with status 400'],
    [199, 'it answered with status 199'],
  ] as const)(
    'is down after two failures in a row, which are soon made sure of: %s',
    async (answer, message) => {
      const { clock, answers, events, changes, monitor } = world();
      monitor.use([target('a'), target('b')]);
      await clock.advance(10_000);
      answers.set('a', answer);
      await clock.advance(9_000);
      expect(events).toEqual([]);
      await clock.advance(6_000);
      expect(events).toEqual([
        { event: 'upstream.down', route: 'example.test', upstream: 'http://a:80', message },
      ]);
      expect(changes).toEqual([['a']]);
      expect(monitor.healthOf('a')).toMatchObject({ state: 'down', problem: message });
      expect(monitor.healthOf('b')).toMatchObject({ state: 'up' });
    },
  );

  it('is up again after one good answer', async () => {
    const { clock, answers, events, changes, monitor } = world();
    answers.set('a', 503);
    monitor.use([target('a')]);
    await clock.advance(60_000);
    answers.set('a', 204);
    await clock.advance(10_000);
    expect(events.map(({ event }) => event)).toEqual(['upstream.down', 'upstream.up']);
    expect(events[1]).toMatchObject({ downMs: 60_000 });
    expect(changes).toEqual([['a'], []]);
  });

  it('is not down for one failure among good answers', async () => {
    const { clock, answers, events, monitor } = world();
    monitor.use([target('a')]);
    await clock.advance(9_500);
    answers.set('a', 500);
    await clock.advance(1_000);
    answers.set('a', 200);
    await clock.advance(30_000);
    expect(events).toEqual([]);
    expect(monitor.healthOf('a')).toMatchObject({ state: 'up', problem: null });
  });

  it('delays no other by its silence', async () => {
    const { clock, answers, asked, monitor } = world();
    answers.set('a', 'silent');
    monitor.use([target('a', { timeoutMs: 60_000 }), target('b')]);
    await clock.advance(30_000);
    expect(asked.filter(({ host }) => host === 'b')).toHaveLength(4);
    expect(asked.filter(({ host }) => host === 'a')).toHaveLength(1);
  });

  it('is one of at most 64 that are asked at a time', async () => {
    const { clock, answers, asked, monitor, most } = world();
    const hosts = Array.from({ length: 100 }, (_, n) => `h${n}`);
    for (const host of hosts) answers.set(host, 'silent');
    monitor.use(hosts.map((host) => target(host)));
    await clock.advance(1_000);
    expect([asked.length, most()]).toEqual([64, 64]);
    await clock.advance(1_500);
    expect(new Set(asked.map(({ host }) => host)).size).toBe(100);
    expect(most()).toBe(64);
  });
});

describe('another configuration', () => {
  it('leaves what is known about an upstream, and does not ask it more often', async () => {
    const { clock, answers, asked, changes, monitor } = world();
    answers.set('a', 500);
    monitor.use([target('a'), target('b')]);
    await clock.advance(5_000);
    const before = asked.length;
    for (let n = 0; n < 5; n++) monitor.use([target('a'), target('b')]);
    await clock.advance(4_000);
    expect(asked).toHaveLength(before);
    expect([...monitor.down]).toEqual(['a']);
    expect(changes).toEqual([['a']]);
  });

  it('with another check asks anew, and an upstream that is down stays so until it is well', async () => {
    const { clock, answers, events, monitor } = world();
    answers.set('a', 404);
    monitor.use([target('a')]);
    await clock.advance(5_000);
    monitor.use([target('a', { status: { first: 404, last: 404 } })]);
    expect([...monitor.down]).toEqual(['a']);
    await clock.advance(100);
    expect([...monitor.down]).toEqual([]);
    expect(events.map(({ event }) => event)).toEqual(['upstream.down', 'upstream.up']);
  });

  it('forgets an upstream that it does not have', async () => {
    const { clock, answers, asked, changes, monitor } = world();
    answers.set('a', 500);
    monitor.use([target('a'), target('b')]);
    await clock.advance(5_000);
    monitor.use([target('b')]);
    expect([...monitor.down]).toEqual([]);
    // What is down now goes into the same snapshot as the rest of the configuration.
    expect(changes).toEqual([['a']]);
    expect(monitor.healthOf('a')).toBeNull();
    await clock.advance(60_000);
    expect(asked.filter(({ host, at }) => host === 'a' && at > 5_000)).toEqual([]);
    monitor.use([target('a'), target('b')]);
    expect(monitor.healthOf('a')).toMatchObject({ state: 'unknown' });
  });

  it('asks nobody any more when it is over', async () => {
    const { clock, asked, answers, monitor } = world();
    answers.set('a', 'silent');
    monitor.use([target('a'), target('b')]);
    await clock.advance(1_000);
    monitor.stop();
    await clock.advance(60_000);
    expect(asked).toHaveLength(2);
  });
});
