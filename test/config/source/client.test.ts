import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigSource, pauseAfter } from '../../../src/config/source/client.ts';
import { encodeFrame } from '../../../src/config/source/frames.ts';
import { FakeClock } from '../../certs/fake-clock.ts';
import { eventually, freePorts } from '../../e2e/daemon.ts';
import { type PushServer, startPushServer } from './push-server.ts';

/** Chance is always 0 here: pauses have their full length. */
const random = { fraction: () => 0, bytes: (size: number) => Buffer.alloc(size) };

describe('following a configuration server', () => {
  let server: PushServer;
  let clock: FakeClock;
  let source: ConfigSource | null = null;
  let got: string[];
  let lost: { code: string; message: string; retryInMs: number }[];
  let connected: number;

  beforeEach(async () => {
    server = await startPushServer();
    clock = new FakeClock();
    [got, lost, connected, source] = [[], [], 0, null];
  });
  afterEach(async () => {
    await source?.stop();
    await server.close();
  });

  function follow(
    port = server.port,
    onPayload: (text: string) => Promise<void> = async (text) => void got.push(text),
  ): void {
    source = new ConfigSource({
      server: { host: '127.0.0.1', port },
      clock,
      random,
      onPayload: (payload) => onPayload(String(payload)),
      onConnected: () => {
        connected += 1;
      },
      onLost: ({ code, message }, retryInMs) => void lost.push({ code, message, retryInMs }),
    });
  }

  const until = (what: string, test: () => boolean) => eventually(what, () => test() || undefined);

  it('takes the first configuration and every later one, in order', async () => {
    server.push('one');
    follow();
    await until('the first', () => got.length === 1);
    server.push('two');
    server.push('');
    await until('all', () => got.length === 3);
    expect(got).toEqual(['one', 'two', '']);
    expect([connected, lost.length, server.connections]).toEqual([1, 0, 1]);
  });

  it('reads the next one only when the one before is done', async () => {
    const done: (() => void)[] = [];
    follow(server.port, (text) => {
      got.push(text);
      return new Promise((resolve) => done.push(resolve));
    });
    await until('a connection', () => server.connections === 1);
    server.pushBytes(Buffer.concat([encodeFrame(Buffer.from('one')), encodeFrame(Buffer.from('two'))]));
    await until('the first', () => got.length === 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(got).toEqual(['one']);
    done[0]?.();
    await until('the second', () => got.length === 2);
    done[1]?.();
  });

  it('may be silent for days after a configuration', async () => {
    server.push('one');
    follow();
    await until('the first', () => got.length === 1);
    await clock.advance(7 * 86_400_000);
    server.push('two');
    await until('the second', () => got.length === 2);
    expect(lost).toEqual([]);
  });

  it('must send a whole configuration within 10 s of the connection', async () => {
    follow();
    await until('a connection', () => server.connections === 1);
    server.pushBytes(encodeFrame(Buffer.from('slow')).subarray(0, 18));
    await clock.advance(9_999);
    expect(lost).toEqual([]);
    await clock.advance(1);
    await until('the end', () => lost.length === 1);
    expect(lost[0]).toMatchObject({ code: 'config-source-unreachable', retryInMs: 1000 });
    expect(lost[0]?.message).toContain('within 10 s');
  });

  it('comes back after what is no configuration', async () => {
    follow();
    await until('a connection', () => server.connections === 1);
    server.pushBytes(Buffer.from('SSH-2.0-OpenSSH_9.9\r\n'));
    await until('the end', () => lost.length === 1);
    expect(lost[0]).toMatchObject({ code: 'config-source-invalid', retryInMs: 1000 });
    server.push('sound');
    await clock.advance(1000);
    await until('a configuration', () => got.length === 1);
    expect(got).toEqual(['sound']);
  });

  it('waits longer from failure to failure, and shortly again after a connection that was of use', async () => {
    const [port = 0] = await freePorts(1);
    follow(port);
    for (const [index, ms] of [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000].entries()) {
      await until(`failure ${index}`, () => lost.length === index + 1);
      expect(lost[index]).toMatchObject({ code: 'config-source-unreachable', retryInMs: ms });
      await clock.advance(ms - 1);
      expect(lost).toHaveLength(index + 1);
      if (index < 7) await clock.advance(1);
    }
    const back = await startPushServer('back', port);
    await clock.advance(1);
    await until('a configuration', () => got.length === 1);
    back.hangUp();
    await until('one more failure', () => lost.length === 9);
    expect(lost[8]).toMatchObject({ retryInMs: 1000 });
    await source?.stop();
    await back.close();
  });

  it('ends when it is told to, also in the middle of a frame and of a pause', async () => {
    follow();
    await until('a connection', () => server.connections === 1);
    server.pushBytes(encodeFrame(Buffer.from('half')).subarray(0, 17));
    await source?.stop();
    expect([got, lost]).toEqual([[], []]);
    const [port = 0] = await freePorts(1);
    follow(port);
    await until('a failure', () => lost.length === 1);
    await source?.stop();
    await clock.advance(120_000);
    expect(lost).toHaveLength(1);
  });
});

describe('the pause before the next connection', () => {
  it.each([
    [1, 0, 1000],
    [1, 0.5, 750],
    [2, 0, 2000],
    [6, 0, 32_000],
    [7, 0, 60_000],
    [1_000_000, 0, 60_000],
    [1_000_000, 0.5, 45_000],
  ])('after %i failures by chance %d is %i ms', (failures, chance, ms) => {
    expect(pauseAfter(failures, chance)).toBe(ms);
  });
});
