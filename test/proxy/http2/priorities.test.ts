import { describe, expect, it } from 'vitest';
import { FRAME } from '../../../src/proxy/codec/http2/protocol.ts';
import { frame } from '../codec/http2/frames.ts';
import { route, startProxy, until } from '../fixture.ts';
import { httpUpstream } from '../upstream-servers.ts';
import { connectRawH2, head, uint32 } from './raw-h2.ts';

const SIZE = 60_000;
const update = (stream: number, priority: string) =>
  frame(FRAME.priorityUpdate, 0, 0, Buffer.concat([uint32(stream), Buffer.from(priority)]));
const open = (stream: number, bytes: number) => frame(FRAME.windowUpdate, 0, stream, uint32(bytes));

/** A client whose window of the connection is used up by stream 1, with a response to each of the others waiting for it. */
async function waiting(priorities: Readonly<Record<number, string>>, updates: readonly Buffer[] = []) {
  const upstream = await httpUpstream((_, response) => response.end(Buffer.alloc(SIZE)));
  const proxy = await startProxy({ routes: [route(upstream)] });
  const client = await connectRawH2(proxy.port);
  client.send(head(1), ...updates);
  await until(() => client.received(1) === SIZE);
  const filler = 65_535 - SIZE;
  client.send(head(3, { priority: 'u=0' }));
  await until(() => client.received(3) === filler);
  const streams = Object.keys(priorities).map(Number);
  for (const stream of streams) {
    const priority = priorities[stream] ?? '';
    client.send(head(stream, priority === '' ? {} : { priority }));
    await until(() => client.of(FRAME.headers, stream).length === 1);
  }
  // Their bodies have followed their heads.
  await new Promise((resolve) => setTimeout(resolve, 200));
  return client;
}

describe('what waits for the window of the connection', () => {
  it('leaves by its urgency', async () => {
    const client = await waiting({ 5: 'u=5', 7: 'u=1', 9: 'u=3' });
    client.send(open(0, SIZE));
    await until(() => client.received(3) === SIZE && client.received(7) === 65_535 - SIZE);
    client.send(open(0, SIZE));
    await until(() => client.received(7) === SIZE && client.received(9) === 65_535 - SIZE);
    expect(client.received(5)).toBe(0);
  });

  it('leaves by what the client said last, before or after the request', async () => {
    const client = await waiting({ 5: 'u=1', 7: '' }, [update(7, 'u=0')]);
    client.send(update(5, 'u=6'), open(0, 2 * SIZE - (65_535 - SIZE)));
    await until(() => client.received(3) === SIZE && client.received(7) === SIZE);
    expect(client.received(5)).toBe(0);
  });
});
