import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Event } from '../../src/events/event.ts';
import { DroppedLines } from '../../src/proxy/access-log/dropped-lines.ts';
import { LineQueue, type LineSink, LONGEST_QUEUE_BYTES } from '../../src/proxy/access-log/line-queue.ts';

/** A sink whose writes end when the test says so. */
function slowSink() {
  const writes: {
    readonly text: string;
    readonly count: number;
    readonly end: PromiseWithResolvers<void>;
  }[] = [];
  const sink: LineSink = {
    write(lines, count) {
      const end = Promise.withResolvers<void>();
      writes.push({ text: lines.toString('latin1'), count, end });
      return end.promise;
    },
    reopen: async () => {},
    close: async () => {},
  };
  return { sink, writes };
}

function useFakeTime(): void {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
}

describe('the queue of lines', () => {
  it('writes after a while what has come until then, together', async () => {
    useFakeTime();
    const { sink, writes } = slowSink();
    const queue = new LineQueue(sink, () => {});
    for (const line of ['a\n', 'b\n', 'c\n']) queue.push(line);
    expect(writes).toEqual([]);
    await vi.advanceTimersByTimeAsync(100);
    expect(writes).toMatchObject([{ text: 'a\nb\nc\n', count: 3 }]);
  });

  it('writes at once when there is much, one write at a time, in order, in pieces', async () => {
    const { sink, writes } = slowSink();
    const queue = new LineQueue(sink, () => {});
    const line = `${'x'.repeat(999)}\n`;
    for (let n = 0; n < 66; n++) queue.push(line);
    expect(writes).toHaveLength(1);
    for (let n = 0; n < 200; n++) queue.push(line);
    expect(writes).toHaveLength(1);
    const flushed = queue.flush();
    for (let at = 0; at < writes.length; at++) {
      writes[at]?.end.resolve();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await flushed;
    expect(writes.map(({ count }) => count).reduce((sum, count) => sum + count)).toBe(266);
    expect(Math.max(...writes.map(({ text }) => text.length))).toBeLessThanOrEqual(65_536 + line.length);
  });

  it('drops and counts what a stuck writer does not take, and goes on afterwards', async () => {
    const { sink, writes } = slowSink();
    let dropped = 0;
    const queue = new LineQueue(sink, (count, reason) => {
      expect(reason).toBeNull();
      dropped += count;
    });
    const line = `${'x'.repeat(1023)}\n`;
    const fitting = LONGEST_QUEUE_BYTES / line.length;
    for (let n = 0; n < fitting + 10; n++) queue.push(line);
    expect(dropped).toBe(10);
    writes[0]?.end.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    queue.push(line);
    expect(dropped).toBe(10);
  });

  it('counts what a write loses, and tries again with the next lines', async () => {
    const { sink, writes } = slowSink();
    const lost: [number, unknown][] = [];
    const queue = new LineQueue(sink, (count, reason) => lost.push([count, reason]));
    const full = new Error('ENOSPC');
    queue.push('a\n');
    queue.push('b\n');
    let flushed = queue.flush();
    writes[0]?.end.reject(full);
    await flushed;
    expect(lost).toEqual([[2, full]]);
    queue.push('c\n');
    flushed = queue.flush();
    writes[1]?.end.resolve();
    await flushed;
    expect(writes[1]?.text).toBe('c\n');
    expect(lost).toHaveLength(1);
  });
});

describe('lost lines', () => {
  it('are told at once, and then at most once a minute', async () => {
    useFakeTime();
    const events: Event[] = [];
    const dropped = new DroppedLines((event) => events.push(event));
    for (let n = 0; n < 5; n++) dropped.add(2, null);
    expect(events).toMatchObject([{ event: 'access-log.dropped', lines: 2 }]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(events).toMatchObject([{ lines: 2 }, { lines: 8 }]);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(events).toHaveLength(2);
    dropped.add(1, new Error('ENOSPC'));
    expect(events[2]).toEqual({ event: 'access-log.dropped', lines: 1, reason: 'ENOSPC' });
  });
});
