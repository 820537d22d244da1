import { describe, expect, it } from 'vitest';
import { route, startProxy, until } from '../../proxy/fixture.ts';
import { connectTls, type RawClient } from '../../proxy/raw-client.ts';
import { rawUpstream } from '../../proxy/upstream-servers.ts';
import { ANSWERS, type HostileAnswer } from './response-cases.ts';
import { request } from './wire.ts';

const NEXT = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext';

describe.each(Object.entries(ANSWERS))('%s', (_, cases) => {
  it.each(cases)(
    '$name',
    async ({ method = 'GET', answer, ends = false, late, client: wanted, reused = false }) => {
      let asked = 0;
      const upstream = await rawUpstream(({ socket }, more) => {
        if (!more.endsWith('\r\n\r\n')) return;
        asked += 1;
        socket.write(asked === 1 ? answer : NEXT, 'latin1');
        if (asked === 1 && ends) socket.end();
      });
      const proxy = await startProxy({ routes: [route(upstream)] });
      const client = await connectTls(proxy.port);
      client.send(request(`${method} /first HTTP/1.1`));
      const response = await finalResponse(client, method);
      expect(response).toEqual(wanted);

      const [first] = upstream.connections;
      if (late !== undefined) first?.socket.write(late, 'latin1');
      if (!reused) await until(() => first?.socket.destroyed === true);

      const other = await connectTls(proxy.port);
      const next = await other.send(request('GET /next HTTP/1.1')).response();
      expect([next.status, next.body]).toEqual([200, 'next']);
      expect(upstream.connections.length).toBe(reused ? 1 : 2);
    },
  );
});

it('there are dozens', () => {
  expect(Object.values(ANSWERS).flat().length).toBeGreaterThan(80);
});

async function finalResponse(client: RawClient, method: string): Promise<HostileAnswer['client'] | 'evil'> {
  try {
    let response = await client.response(method);
    while (response.status < 200) response = await client.response(method);
    const { status, body, fields } = response;
    if (fields.join().includes('X-Evil')) return 'evil';
    if (status === 502) return 'refused';
    const length = response.field('content-length');
    const bodiless = method === 'HEAD' || status === 204 || status === 304;
    return bodiless || length === null || Number(length) === body.length ? { status, body } : 'cut';
  } catch {
    return 'cut';
  }
}
