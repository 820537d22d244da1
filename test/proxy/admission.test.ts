import net from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Admission } from '../../src/proxy/admission.ts';
import { Counters } from '../../src/proxy/counters.ts';
import { emptySnapshot, type ServingSettings } from '../../src/snapshot/snapshot.ts';
import { listen, route, startProxy, until } from './fixture.ts';
import { connectH2, h2Response } from './h2-client.ts';
import { connectPlain, type RawClient } from './raw-client.ts';
import { OK, rawUpstream } from './upstream-servers.ts';

const EVERYBODY = Number.MAX_SAFE_INTEGER;

interface Gate {
  readonly admission: Admission;
  readonly port: number;
  readonly served: net.Socket[];
  readonly counters: Counters;
  roomAsked: number;
  settings: ServingSettings;
}

/** A server that says hello to whoever is let in. */
async function gate(caps: ServingSettings['connections'], trustedProxies: string[] = []): Promise<Gate> {
  const counters = new Counters();
  const served: net.Socket[] = [];
  const admission = new Admission({
    settings: () => it.settings,
    counters,
    makeRoom: () => {
      it.roomAsked += 1;
    },
  });
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    admission.admit(socket, (admitted) => {
      served.push(admitted);
      admitted.on('data', (data) => admitted.write(data));
      admitted.write('hello');
    });
  });
  const settings: ServingSettings = {
    ...emptySnapshot.settings,
    trustedProxies,
    ...(caps === undefined ? {} : { connections: caps }),
  };
  const it: Gate = { admission, port: await listen(server), served, counters, roomAsked: 0, settings };
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return it;
}

const refusals = ({ counters }: Gate) => counters.values().connectionsRefused;
const greeted = async (client: RawClient) => (await client.read(5)) === 'hello';

describe('all places are taken', () => {
  it('whoever comes waits, and is served when somebody leaves', async () => {
    const it = await gate({ most: 2, mostPerAddress: EVERYBODY });
    const first = await connectPlain(it.port);
    const second = await connectPlain(it.port);
    expect([await greeted(first), await greeted(second)]).toEqual([true, true]);
    const third = (await connectPlain(it.port)).send('waits');
    await until(() => it.admission.waiting === 1);
    expect([it.served.length, it.roomAsked]).toEqual([2, 1]);
    first.socket.destroy();
    expect(await third.read(10)).toBe('hellowaits');
    expect([it.admission.open, it.admission.waiting]).toEqual([2, 0]);
    expect(refusals(it)).toMatchObject({ 'reason="max-connections"': 0 });
  });

  it('whoever leaves while waiting frees the place in the queue', async () => {
    const it = await gate({ most: 1, mostPerAddress: EVERYBODY });
    const first = await connectPlain(it.port);
    await greeted(first);
    const second = await connectPlain(it.port);
    await until(() => it.admission.waiting === 1);
    second.socket.resetAndDestroy();
    await until(() => it.admission.waiting === 0);
    first.socket.destroy();
    await until(() => it.admission.open === 0);
    expect(it.served.length).toBe(1);
  });

  it('the queue has an end, and what comes then is closed at once', async () => {
    const it = await gate({ most: 1, mostPerAddress: EVERYBODY });
    await greeted(await connectPlain(it.port));
    for (let n = 0; n < 256; n++) await connectPlain(it.port);
    await until(() => it.admission.waiting === 256);
    expect(await (await connectPlain(it.port)).readToEnd()).toBe('');
    expect(refusals(it)).toMatchObject({ 'reason="max-connections"': 1 });
  });

  it('nobody waits for longer than ten seconds', async () => {
    const it = await gate({ most: 1, mostPerAddress: EVERYBODY });
    await greeted(await connectPlain(it.port));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const second = await connectPlain(it.port);
    while (it.admission.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
    vi.advanceTimersByTime(10_000);
    expect(await second.readToEnd()).toBe('');
    expect(refusals(it)).toMatchObject({ 'reason="max-connections"': 1 });
  });

  it('all are let in at the end, when nobody else comes', async () => {
    const it = await gate({ most: 1, mostPerAddress: EVERYBODY });
    await greeted(await connectPlain(it.port));
    const others = [await connectPlain(it.port), await connectPlain(it.port)];
    await until(() => it.admission.waiting === 2);
    it.admission.letAllIn();
    for (const client of others) expect(await greeted(client)).toBe(true);
  });

  it('a reload that allows more lets in more', async () => {
    const it = await gate({ most: 1, mostPerAddress: EVERYBODY });
    await greeted(await connectPlain(it.port));
    it.settings = { ...it.settings, connections: { most: 2, mostPerAddress: EVERYBODY } };
    expect(await greeted(await connectPlain(it.port))).toBe(true);
  });
});

describe('one address', () => {
  it('that has its share is sent away, and others are not', async () => {
    const it = await gate({ most: 100, mostPerAddress: 2 });
    const first = await connectPlain(it.port);
    await greeted(first);
    await greeted(await connectPlain(it.port));
    expect(await (await connectPlain(it.port)).readToEnd()).toBe('');
    expect(refusals(it)).toMatchObject({ 'reason="max-connections-per-address"': 1 });
    expect(await greeted(await connectPlain(it.port, { localAddress: '127.0.0.2' }))).toBe(true);
    first.socket.destroy();
    await until(() => it.admission.open === 2);
    expect(await greeted(await connectPlain(it.port))).toBe(true);
  });

  it('has its share among those that wait as well', async () => {
    const it = await gate({ most: 1, mostPerAddress: 2 });
    await greeted(await connectPlain(it.port));
    await connectPlain(it.port);
    await until(() => it.admission.waiting === 1);
    expect(await (await connectPlain(it.port)).readToEnd()).toBe('');
    expect(it.admission.waiting).toBe(1);
  });

  it('of a trusted proxy has no share of its own', async () => {
    const it = await gate({ most: 100, mostPerAddress: 1 }, ['127.0.0.1']);
    for (let n = 0; n < 5; n++) expect(await greeted(await connectPlain(it.port))).toBe(true);
  });
});

it('without caps everybody is let in', async () => {
  const it = await gate(undefined);
  for (let n = 0; n < 5; n++) expect(await greeted(await connectPlain(it.port))).toBe(true);
});

describe('a connection that is kept open only', () => {
  const GET = 'GET / HTTP/1.1\r\nHost: example.test\r\n\r\n';

  it('gives way to one that comes, the oldest first; one with a request under way does not', async () => {
    const upstream = { scheme: 'http', host: '127.0.0.1', port: 1 } as const;
    const { serving, plainPort, counters } = await startProxy({ routes: [route(upstream)] });
    const busy = (await connectPlain(plainPort)).send('GET / HTTP/1.1\r\n');
    const [oldest, newer] = [await connectPlain(plainPort), await connectPlain(plainPort)];
    for (const client of [oldest, newer]) expect((await client.send(GET).response()).status).toBe(308);
    await until(() => serving.connections === 3);
    serving.makeRoom();
    expect(await oldest.readToEnd()).toBe('');
    await until(() => serving.connections === 2);
    serving.makeRoom();
    expect(await newer.readToEnd()).toBe('');
    serving.makeRoom();
    expect((await busy.send('Host: example.test\r\n\r\n').response()).status).toBe(308);
    expect(counters.values().responses).toMatchObject({ 'route="example.test",status="308"': 3 });
  });

  it('gives way over HTTP/2, too, unless a stream is open', async () => {
    const upstream = await rawUpstream(({ socket, received }) => {
      if (received.includes('/now')) socket.write(OK);
    });
    const { serving, port } = await startProxy({ routes: [route(upstream)] });
    const session = await connectH2(port);
    const closed = new Promise<void>((resolve) => session.once('close', resolve));
    const waits = session.request({ ':authority': 'example.test', ':path': '/waits' });
    await until(() => upstream.connections.length === 1);
    serving.makeRoom();
    const now = await h2Response(session.request({ ':authority': 'example.test', ':path': '/now' }));
    expect(now.status).toBe(200);
    waits.close();
    await until(() => upstream.connections[0]?.socket.destroyed === true);
    serving.makeRoom();
    await closed;
    await until(() => serving.connections === 0);
  });

  it('is asked once, not again and again while it closes', async () => {
    const upstream = { scheme: 'http', host: '127.0.0.1', port: 1 } as const;
    const { serving, plainPort } = await startProxy({ routes: [route(upstream)] });
    const clients = [await connectPlain(plainPort), await connectPlain(plainPort)];
    for (const client of clients) await client.send(GET).response();
    serving.makeRoom();
    serving.makeRoom();
    for (const client of clients) expect(await client.readToEnd()).toBe('');
  });
});
