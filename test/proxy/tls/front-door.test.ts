import net from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { testAuthority } from './authority.ts';
import { alert, clientHello, startDoor, talk, visit } from './door.ts';

const UNRECOGNIZED_NAME = alert(112);
const DECODE_ERROR = alert(50);
const NO_APPLICATION_PROTOCOL = alert(120);
const INTERNAL_ERROR = alert(80);

const authority = await testAuthority();
const [one, two, address] = await Promise.all([
  authority.issue(['one.test']),
  authority.issue(['two.test']),
  authority.issue(['127.0.0.1']),
]);

describe('a name that a route has', () => {
  it('gets its certificate, over TLS 1.2 and 1.3', async () => {
    const { port } = await startDoor({ names: ['one.test', 'two.test'], certificates: [one, two] });
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      for (const name of ['one.test', 'two.test']) {
        const options = { servername: name, minVersion: version, maxVersion: version };
        expect(await visit(port, options)).toMatchObject({ subject: name, said: `${name} -\n`, error: null });
      }
    }
  });

  it('is found in whatever case, and with the dot of the root', async () => {
    const { port } = await startDoor({ names: ['one.test'], certificates: [one] });
    expect(await visit(port, { servername: 'ONE.Test' })).toMatchObject({ subject: 'one.test' });
    expect(await visit(port, { servername: 'one.test.' })).toMatchObject({ subject: 'one.test' });
  });

  it('may be a wildcard of one label', async () => {
    const wildcard = await authority.issue(['*.wild.test']);
    const { port } = await startDoor({ names: ['*.wild.test'], certificates: [wildcard] });
    expect(await visit(port, { servername: 'a.wild.test' })).toMatchObject({ subject: '*.wild.test' });
    expect(await talk(port, [await clientHello({ servername: 'a.b.wild.test' })])).toEqual(UNRECOGNIZED_NAME);
    expect(await talk(port, [await clientHello({ servername: 'wild.test' })])).toEqual(UNRECOGNIZED_NAME);
  });

  it('is heard when every byte comes by itself', async () => {
    const { port, served } = await startDoor({ names: ['one.test'], certificates: [one] });
    const hello = await clientHello({ servername: 'one.test' });
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    onTestFinished(() => void socket.destroy());
    for (const byte of hello) {
      await new Promise<void>((sent) => socket.write(Buffer.from([byte]), () => setImmediate(sent)));
    }
    const [record = 0] = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
    // A handshake record: the ServerHello.
    expect(record).toBe(22);
    expect(served).toEqual([]);
  });

  it('is judged by the snapshot of its moment', async () => {
    const { port, publish } = await startDoor({ names: ['one.test'], certificates: [one] });
    expect(await visit(port, { servername: 'one.test' })).toMatchObject({ subject: 'one.test' });
    const renewed = await authority.issue(['one.test'], { id: 'one.test' });
    publish((snapshot) => ({ ...snapshot, certificates: new Map([['one.test', renewed]]) }));
    expect(await visit(port, { servername: 'one.test' })).toMatchObject({ subject: 'one.test' });
    publish((snapshot) => ({ ...snapshot, certificates: new Map() }));
    expect(await talk(port, [await clientHello({ servername: 'one.test' })])).toEqual(UNRECOGNIZED_NAME);
  });
});

describe('a name that no route has', () => {
  it('is refused with unrecognized_name, and leaves no trace but a count', async () => {
    const { port, events, counters, door } = await startDoor({ names: ['one.test'], certificates: [one] });
    expect(await talk(port, [await clientHello({ servername: 'unknown.test' })])).toEqual(UNRECOGNIZED_NAME);
    expect(await talk(port, [await clientHello({})])).toEqual(UNRECOGNIZED_NAME);
    expect(await visit(port, { servername: 'unknown.test' })).toMatchObject({
      error: 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME',
    });
    expect(events).toEqual([]);
    expect(counters.values().tlsHello).toEqual({ 'known="true"': 0, 'known="false"': 3 });
    expect(door.pending).toBe(0);
  });

  it('gets the certificate of the fallback when there is one', async () => {
    const { port, counters } = await startDoor({
      names: ['one.test', 'two.test'],
      certificates: [one, two],
      fallback: 'two.test',
    });
    expect(await visit(port, { servername: 'unknown.test' })).toMatchObject({ subject: 'two.test' });
    expect(await visit(port, { servername: '' })).toMatchObject({ subject: 'two.test', said: '- -\n' });
    expect(await visit(port, { servername: 'one.test' })).toMatchObject({ subject: 'one.test' });
    expect(counters.values().tlsHello).toMatchObject({ 'known="true"': 3 });
  });
});

describe('a client without a name', () => {
  it('gets the certificate of the address that it connected to, before the fallback', async () => {
    const { port } = await startDoor({
      names: ['one.test', '127.0.0.1'],
      certificates: [one, address],
      fallback: 'one.test',
    });
    expect(await visit(port, { servername: '' })).toMatchObject({ subject: '127.0.0.1' });
  });

  it('gets it on a listener for IPv4 and IPv6 too', async () => {
    const { port } = await startDoor({ names: ['127.0.0.1'], certificates: [address], host: '::' });
    expect(await visit(port, { servername: '' })).toMatchObject({ subject: '127.0.0.1' });
  });
});

describe('a certificate that is not there', () => {
  it('is refused at once, and waited for by nobody but the log: one line a minute', async () => {
    const { port, events, counters } = await startDoor({
      names: ['one.test', 'two.test'],
      certificates: [one],
    });
    for (let times = 0; times < 3; times++) {
      expect(await talk(port, [await clientHello({ servername: 'two.test' })])).toEqual(UNRECOGNIZED_NAME);
    }
    expect(events).toEqual([
      { event: 'certificate.waiting', name: 'two.test', id: 'two.test', why: expect.any(String) },
    ]);
    expect(counters.values()).toMatchObject({ tlsHello: { 'known="false"': 3 }, handshakesWaited: 0 });
  });

  it('does not fill the log when clients invent names below a wildcard', async () => {
    const { port, events } = await startDoor({ names: ['*.wild.test'] });
    for (const label of ['a', 'b', 'c']) {
      await talk(port, [await clientHello({ servername: `${label}.wild.test` })]);
    }
    expect(events).toHaveLength(1);
  });
});

describe('a certificate that is no use', () => {
  it('is refused with internal_error and one fault; the others are shown', async () => {
    const { key } = await authority.issue(['one.test']);
    const { port, events } = await startDoor({
      names: ['one.test', 'two.test', 'bad.test'],
      certificates: [{ ...one, key }, two, { ...two, id: 'bad.test', chain: 'no PEM' }],
    });
    for (const name of ['one.test', 'one.test', 'bad.test']) {
      expect(await talk(port, [await clientHello({ servername: name })])).toEqual(INTERNAL_ERROR);
    }
    expect(events).toEqual([
      expect.objectContaining({ event: 'fault', where: 'certificate one.test' }),
      expect.objectContaining({ event: 'fault', where: 'certificate bad.test' }),
    ]);
    expect(JSON.stringify(events)).not.toContain('PRIVATE');
    expect(await visit(port, { servername: 'two.test' })).toMatchObject({ subject: 'two.test' });
  });
});

describe('protocols', () => {
  it.each([
    [['h2', 'http/1.1'], 'h2'],
    [['http/1.1', 'h2'], 'h2'],
    [['http/1.1'], 'http/1.1'],
    [['spdy/3', 'http/1.1'], 'http/1.1'],
  ])('of %j the best is chosen', async (ALPNProtocols, chosen) => {
    const { port } = await startDoor({ names: ['one.test'], certificates: [one] });
    expect(await visit(port, { servername: 'one.test', ALPNProtocols })).toMatchObject({
      said: `one.test ${chosen}\n`,
    });
  });

  it('of others none is spoken', async () => {
    const { port } = await startDoor({ names: ['one.test'], certificates: [one] });
    const hello = await clientHello({ servername: 'one.test', ALPNProtocols: ['smtp', 'ftp'] });
    expect(await talk(port, [hello])).toEqual(NO_APPLICATION_PROTOCOL);
  });
});

describe('a CA that looks whether we control a name', () => {
  it('gets the certificate of the challenge, over acme-tls/1, and nothing else', async () => {
    const proof = await authority.issue(['proof.test']);
    const { port, served, counters } = await startDoor({
      names: ['one.test'],
      certificates: [one],
      challenges: {
        'tls-alpn-01:new.test': { type: 'tls-alpn-01', chain: proof.chain, key: proof.key },
        'tls-alpn-01:1.2.0.192.in-addr.arpa': { type: 'tls-alpn-01', chain: proof.chain, key: proof.key },
        'http-01:one.test': { type: 'http-01', body: 'x' },
      },
    });
    for (const servername of ['new.test', '1.2.0.192.in-addr.arpa']) {
      const seen = await visit(port, { servername, ALPNProtocols: ['acme-tls/1'] });
      expect(seen).toMatchObject({ subject: 'proof.test', said: '', error: null });
    }
    const hello = await clientHello({ servername: 'one.test', ALPNProtocols: ['acme-tls/1'] });
    expect(await talk(port, [hello])).toEqual(NO_APPLICATION_PROTOCOL);
    expect(served).toEqual([]);
    expect(counters.values().tlsHello).toEqual({ 'known="true"': 0, 'known="false"': 0 });
  });
});

describe('what is no ClientHello', () => {
  it('of HTTP is told that this is HTTPS', async () => {
    const { port } = await startDoor({ names: ['one.test'], certificates: [one] });
    const answer = (await talk(port, ['GET / HTTP/1.1\r\nHost: one.test\r\n\r\n'])).toString();
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toContain('Client sent an HTTP request to an HTTPS server.');
    expect(answer).toMatch(/connection: close\r\n/);
  });

  it.each([
    ['another protocol', Buffer.from('\x05\x01\x00', 'latin1')],
    ['a broken record', Buffer.from('1603010004deadbeef', 'hex')],
  ])('of %s is refused', async (_what, bytes) => {
    const { port, events } = await startDoor({});
    expect(await talk(port, [bytes])).toEqual(DECODE_ERROR);
    expect(events).toEqual([]);
  });

  it('is not read to its end when it never ends', async () => {
    const { port, door } = await startDoor({});
    const socket = net.connect({ port, host: '127.0.0.1' });
    socket.on('error', () => {});
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const pour = () => {
      while (!socket.destroyed && socket.write(Buffer.alloc(16_384, 0x58)));
    };
    socket.on('drain', pour);
    socket.on('connect', pour);
    await closed;
    expect(door.pending).toBe(0);
  });
});

describe('clients that take their time', () => {
  it('are hung up on when their hello does not come', async () => {
    const { port, door } = await startDoor({ timeoutMs: 100 });
    expect(await talk(port, [])).toEqual(Buffer.alloc(0));
    expect(await talk(port, [Buffer.from('160301', 'hex')])).toEqual(Buffer.alloc(0));
    await expect.poll(() => door.pending).toBe(0);
  });

  it('are hung up on when their handshake does not go on', async () => {
    const { port, door, served } = await startDoor({
      names: ['one.test'],
      certificates: [one],
      timeoutMs: 100,
    });
    // The ServerHello comes; nothing is said to it.
    const answer = await talk(port, [await clientHello({ servername: 'one.test' })]);
    expect(answer[0]).toBe(22);
    await expect.poll(() => door.pending).toBe(0);
    expect(served).toEqual([]);
  });

  it('are nobody when they leave in the middle', async () => {
    // A reset that comes with the hello is lost between the two readers of the socket: then the timeout notices.
    const { port, door } = await startDoor({ names: ['one.test'], certificates: [one], timeoutMs: 500 });
    const hello = await clientHello({ servername: 'one.test' });
    for (const bytes of [hello.subarray(0, 0), hello.subarray(0, 300), hello]) {
      const socket = net.connect({ port, host: '127.0.0.1' });
      await new Promise<void>((resolve) => socket.once('connect', resolve));
      await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
      socket.resetAndDestroy();
    }
    await expect.poll(() => door.pending, { timeout: 5_000 }).toBe(0);
  });

  it('are sent away when the door closes before they said a word', async () => {
    const { port, door } = await startDoor({});
    const answer = talk(port, []);
    await expect.poll(() => door.pending).toBe(1);
    door.close();
    expect(await answer).toEqual(Buffer.alloc(0));
    await expect.poll(() => door.pending).toBe(0);
  });
});
