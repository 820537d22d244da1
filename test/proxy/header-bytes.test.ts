import { expect, it } from 'vitest';
import { route, startProxy } from './fixture.ts';
import { h2Request } from './h2-client.ts';
import { connectTls } from './raw-client.ts';
import { rawUpstream } from './upstream-servers.ts';

const VALUE = 'caf\xe9 \xc3\xa9 \x80\xff';
const ANSWER = `HTTP/1.1 200 OK\r\nX-Back: ${VALUE}\r\nContent-Length: 0\r\n\r\n`;

it.each(['', 'abc'])(
  'bytes beyond ASCII in header fields are not changed, with the body %j',
  async (body) => {
    const upstream = await rawUpstream(({ socket, received }) => {
      if (received.endsWith(`\r\n\r\n${body}`)) socket.write(ANSWER, 'latin1');
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send(
      `POST / HTTP/1.1\r\nHost: example.test\r\nX-To: ${VALUE}\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    expect((await client.send(body).response()).field('x-back')).toBe(VALUE);
    expect(upstream.received).toContain(`\r\nX-To: ${VALUE}\r\n`);
  },
);

it('nor are they for HTTP/2', async () => {
  const upstream = await rawUpstream(({ socket }) => socket.write(ANSWER, 'latin1'));
  const proxy = await startProxy({ routes: [route(upstream)] });
  expect((await h2Request(proxy.port, { 'x-to': VALUE })).headers['x-back']).toBe(VALUE);
  expect(upstream.received).toContain(`\r\nx-to: ${VALUE}\r\n`);
});
