import { expect, it, onTestFinished, vi } from 'vitest';
import { FRAME } from '../../../src/proxy/codec/http2/protocol.ts';
import { route, startProxy, until } from '../fixture.ts';
import { answering, rawUpstream } from '../upstream-servers.ts';
import { connectRawH2, head } from './raw-h2.ts';

it('a connection that rests gives its table up, says so, and serves on', async () => {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const answer = 'HTTP/1.1 200 OK\r\nx-long-name: a long value\r\ncontent-length: 2\r\n\r\nok';
  const upstream = await rawUpstream(answering(answer));
  const { port } = await startProxy({ routes: [route(upstream)] });
  const client = await connectRawH2(port);

  const blocks: Buffer[] = [];
  const ask = async (stream: number) => {
    client.send(head(stream));
    await until(() => client.received(stream) === 2);
    const [came] = client.of(FRAME.headers, stream);
    if (came === undefined) throw new Error('no head');
    expect(client.fields(came)).toMatchObject({ ':status': '200', 'x-long-name': 'a long value' });
    blocks.push(came.payload);
  };
  await ask(1);
  vi.advanceTimersByTime(4_000);
  await ask(3);
  vi.advanceTimersByTime(6_000);
  await ask(5);
  await ask(7);
  const [first, second, third, fourth] = blocks.map(({ length }) => length);
  // Without a long break the table says what was said before; after it there is a new one, and its announcement.
  expect(second).toBeLessThan(first ?? 0);
  expect(third).toBe((first ?? 0) + 4);
  expect(fourth).toBe(second);
});
