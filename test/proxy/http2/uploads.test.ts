import { describe, expect, it } from 'vitest';
import type { RawHeaders, Sink } from '../../../src/proxy/exchange.ts';
import type { Failure } from '../../../src/proxy/failure.ts';
import { ClosedStreams } from '../../../src/proxy/http2/closed-streams.ts';
import { SpareTables } from '../../../src/proxy/http2/spare-tables.ts';
import { Upload } from '../../../src/proxy/http2/upload.ts';
import { CONNECTION_WINDOW, UploadBudget } from '../../../src/proxy/http2/upload-budget.ts';

/** A sink that takes so many chunks before it is full. */
class Taker implements Sink {
  text = '';
  ended: RawHeaders | null = null;
  failed: Failure | null = null;
  room = Number.POSITIVE_INFINITY;

  write(chunk: Buffer): boolean {
    this.text += chunk.toString('latin1');
    this.room -= 1;
    return this.room > 0;
  }

  end(trailers: RawHeaders): void {
    this.ended = trailers;
  }

  fail(failure: Failure): void {
    this.failed = failure;
  }
}

function upload(length = -1) {
  let held = 0;
  const allowed: number[] = [];
  const owner = {
    held: (difference: number) => {
      held += difference;
    },
    allow: (_: number, increment: number) => void allowed.push(increment),
  };
  const made = new Upload(owner, 1, length, 1_000);
  const send = (text: string, padding = 0) => {
    const bytes = Buffer.from(text);
    return made.receive(bytes, 0, bytes.length, bytes.length + padding);
  };
  return { made, send, allowed, held: () => held };
}

describe('an upload', () => {
  it('holds what comes before anybody wants it, and its end', () => {
    const { made, send, held } = upload();
    send('one ');
    send('two');
    expect(made.end(['x-sum', '1'])).toBe(true);
    expect(held()).toBe(7);
    const taker = new Taker();
    made.body.flow(taker);
    expect([taker.text, taker.ended, held()]).toEqual(['one two', ['x-sum', '1'], 0]);
  });

  it('holds what comes while the sink is full', () => {
    const { made, send, held } = upload(11);
    const taker = new Taker();
    taker.room = 1;
    made.body.flow(taker);
    for (const text of ['one ', 'two ', 'six']) expect(send(text)).toBe('ok');
    made.end([]);
    expect([taker.text, held(), taker.ended]).toEqual(['one ', 7, null]);
    made.body.resume();
    expect([taker.text, held(), taker.ended]).toEqual(['one two six', 0, null]);
    made.body.resume();
    expect(taker.ended).toEqual([]);
  });

  it('is as long as its head says', () => {
    expect(upload(3).send('four')).toBe('length');
    const short = upload(3);
    short.send('2 ');
    expect(short.made.end([])).toBe(false);
  });

  it('opens its window as bytes are taken, and wider while everything flows', () => {
    const { made, send, allowed } = upload();
    made.body.flow(new Taker());
    for (let n = 0; n < 4; n += 1) send('x'.repeat(16_384));
    // Half of the window again, and as much as the window was before.
    expect(allowed).toEqual([32_768 + 65_535]);
    for (let n = 0; n < 400; n += 1) send('x'.repeat(16_384));
    const most = Math.max(...allowed);
    expect(most).toBeLessThanOrEqual(2 * 1_048_576);
    expect(allowed.at(-1)).toBeLessThan(1_048_576);
  });

  it('keeps its window closed while nobody takes anything', () => {
    const { send, allowed } = upload();
    for (let n = 0; n < 3; n += 1) expect(send('x'.repeat(16_384))).toBe('ok');
    expect(send('x'.repeat(16_384))).toBe('window');
    expect(allowed).toEqual([]);
  });

  it('gives padding back at once', () => {
    const { send, allowed } = upload();
    for (let n = 0; n < 200; n += 1) expect(send('x', 255)).toBe('ok');
    expect(allowed).toEqual([32_895]);
  });

  it('lets go of what nobody wants', () => {
    const { made, send, held } = upload();
    send('something');
    made.body.cancel();
    expect(held()).toBe(0);
    expect(send('more')).toBe('ok');
    expect(held()).toBe(0);
  });

  it('that stops coming, or is cut off, fails', () => {
    for (const [end, kind] of [
      ['expire', 'client-timeout'],
      ['close', 'client-gone'],
    ] as const) {
      const { made, send } = upload();
      const taker = new Taker();
      made.body.flow(taker);
      send('a');
      expect(Number.isFinite(made.dueMs)).toBe(true);
      made[end]();
      expect([taker.failed?.kind, made.dueMs]).toEqual([kind, Number.POSITIVE_INFINITY]);
    }
  });
});

describe('the window of all uploads', () => {
  it('is given back at once, but not while too much is held', () => {
    const allowed: number[] = [];
    const budget = new UploadBudget((increment) => void allowed.push(increment));
    const half = CONNECTION_WINDOW / 2;
    expect(budget.receive(half)).toBe(true);
    budget.release(half);
    expect(allowed).toEqual([half]);
    budget.held(CONNECTION_WINDOW + 1);
    expect(budget.receive(CONNECTION_WINDOW)).toBe(true);
    budget.release(CONNECTION_WINDOW);
    expect(allowed).toEqual([half]);
    expect(budget.receive(1)).toBe(false);
    budget.held(-1);
    expect(allowed).toEqual([half, CONNECTION_WINDOW]);
  });
});

describe('streams that are closed', () => {
  it('are remembered for a while, with who closed them', () => {
    const closed = new ClosedStreams();
    expect(closed.find(1)).toBe('unknown');
    closed.add(1, true);
    closed.add(3, false);
    expect([closed.find(1), closed.find(3), closed.find(5)]).toEqual(['reset', 'ended', 'unknown']);
    for (let id = 5; id < 500; id += 2) closed.add(id, false);
    expect([closed.find(1), closed.find(3), closed.find(499)]).toEqual(['unknown', 'unknown', 'ended']);
  });
});

describe('spare tables', () => {
  it('are used again, unless they are large', () => {
    const tables = new SpareTables();
    const small = tables.take(10, 1_000);
    small.push(0, 1, 2, 3, 0, 4);
    const large = tables.take(10, 10_000);
    const wide = tables.take(100, 10);
    for (const table of [small, large, wide]) tables.give(table);
    const again = tables.take(20, 2_000);
    expect(again).toBe(small);
    expect([again.count, again.bytes.length >= 2_000]).toEqual([0, true]);
    expect([large, wide]).not.toContain(tables.take(10, 1_000));
  });
});
