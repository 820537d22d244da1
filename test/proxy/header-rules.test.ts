import { describe, expect, it } from 'vitest';
import { applyHeaderRules } from '../../src/proxy/header-rules.ts';
import type { HeaderRule } from '../../src/routing/route.ts';
import { route, startProxy } from './fixture.ts';
import { h2Request } from './h2-client.ts';
import { connectTls } from './raw-client.ts';
import { answering, rawUpstream } from './upstream-servers.ts';

const RULES: readonly HeaderRule[] = [
  { action: 'add', name: 'X-Added', value: 'one' },
  { action: 'add', name: 'X-Added', value: 'two' },
  { action: 'replace', name: 'Server', value: 'rigil' },
  { action: 'default', name: 'X-Empty', value: 'filled' },
  { action: 'default', name: 'X-Full', value: 'unused' },
  { action: 'delete', name: 'Content-Type' },
  { action: 'delete', name: 'Date' },
];

const ANSWER =
  'HTTP/1.1 200 OK\r\nserver: a\r\nServer: b\r\nX-Empty:\r\nX-Full: full\r\nContent-Type: text/html\r\n' +
  'Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nX-Added: zero\r\nContent-Length: 2\r\n\r\nok';

describe('the header rules of a route', () => {
  it('apply in order to a response', async () => {
    const upstream = await rawUpstream(answering(ANSWER));
    const proxy = await startProxy({ routes: [route(upstream, { headerRules: RULES })] });
    const client = await connectTls(proxy.port);
    const { fields } = await client.send('GET / HTTP/1.1\r\nHost: example.test\r\n\r\n').response();
    expect(fields.filter((field) => !/^(connection|keep-alive)/i.test(field))).toEqual([
      'X-Full: full',
      'X-Added: zero',
      'Content-Length: 2',
      'X-Added: one',
      'X-Added: two',
      'Server: rigil',
      'X-Empty: filled',
    ]);
  });

  it('apply over HTTP/2', async () => {
    const upstream = await rawUpstream(answering(ANSWER));
    const proxy = await startProxy({ routes: [route(upstream, { headerRules: RULES })] });
    const { headers } = await h2Request(proxy.port, {});
    expect(headers).toMatchObject({ server: 'rigil', 'x-empty': 'filled', 'x-added': 'zero, one, two' });
    expect(headers).not.toHaveProperty('date');
    expect(headers).not.toHaveProperty('content-type');
  });

  it('apply to the default page of a dead upstream', async () => {
    const dead = { scheme: 'unix', path: '/nonexistent/socket' } as const;
    const proxy = await startProxy({ routes: [route(dead, { headerRules: RULES })] });
    const client = await connectTls(proxy.port);
    const response = await client.send('GET / HTTP/1.1\r\nHost: example.test\r\n\r\n').response();
    expect(response.status).toBe(502);
    expect(response.field('server')).toBe('rigil');
    expect(response.field('content-type')).toBeNull();
    expect(response.field('date')).toBeNull();
  });

  it('do not apply to redirects', async () => {
    const names = ['example.test', 'www.example.test'];
    const dead = { scheme: 'unix', path: '/nonexistent/socket' } as const;
    const proxy = await startProxy({
      routes: [route(dead, { names, redirectToPrimary: true, headerRules: RULES })],
    });
    const client = await connectTls(proxy.port);
    const response = await client.send('GET / HTTP/1.1\r\nHost: www.example.test\r\n\r\n').response();
    expect(response.status).toBe(308);
    expect(response.field('server')).toBeNull();
  });

  it('cannot break the framing, nor the head', () => {
    const rules: HeaderRule[] = [
      { action: 'replace', name: 'Content-Length', value: '1' },
      { action: 'add', name: 'Transfer-Encoding', value: 'chunked' },
      { action: 'delete', name: 'content-length' },
      { action: 'add', name: 'X Y', value: 'a' },
      { action: 'add', name: 'X', value: 'a\r\nSet-Cookie: b' },
      { action: 'add', name: '', value: 'a' },
    ];
    expect(applyHeaderRules(['Content-Length', '2'], rules)).toEqual(['Content-Length', '2']);
  });

  it('send their values as UTF-8', () => {
    const rules: HeaderRule[] = [{ action: 'add', name: 'X', value: 'é€' }];
    const [, value = ''] = applyHeaderRules([], rules);
    expect(Buffer.from(value, 'latin1').toString('utf8')).toBe('é€');
  });
});

describe('the Date of a response', () => {
  it('is the upstream’s, or rigil’s where it has none', async () => {
    const upstream = await rawUpstream(({ socket }, more) => {
      socket.write(more.startsWith('GET /old') ? ANSWER : ANSWER.replace(/Date:.*\r\n/, ''));
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    const ask = (path: string) =>
      client.send(`GET ${path} HTTP/1.1\r\nHost: example.test\r\n\r\n`).response();
    expect((await ask('/old')).field('date')).toBe('Thu, 01 Jan 1970 00:00:00 GMT');
    const now = Date.parse((await ask('/new')).field('date') ?? '');
    expect(Math.abs(now - Date.now())).toBeLessThan(60_000);
  });
});
