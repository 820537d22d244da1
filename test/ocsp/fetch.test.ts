import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { getResponse, getUrl, LARGEST_BODY, postRequest } from '../../src/ocsp/fetch.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { systemFetch } from '../../src/platform/fetch.ts';
import { sendOcsp, serve } from '../responder.ts';

const NOW = Date.UTC(2026, 10, 24);
const REQUEST = Uint8Array.of(0xfb, 0xff, 0xfe, 0x00);
const ANSWER = Buffer.from('answer');

describe('getUrl', () => {
  it('escapes what base64 has and a path must not have', () => {
    expect(getUrl('http://ocsp.test', REQUEST)).toBe('http://ocsp.test/%2B%2F%2F%2BAA%3D%3D');
    expect(getUrl('http://ocsp.test/a/', REQUEST)).toBe('http://ocsp.test/a/%2B%2F%2F%2BAA%3D%3D');
  });

  it('leaves alone what does not fit', () => {
    expect(getUrl('http://ocsp.test', new Uint8Array(200))).toBeNull();
    expect(getUrl('http://ocsp.test/?ca=1', REQUEST)).toBeNull();
  });
});

describe('asking over HTTP', () => {
  it('posts the request and takes the body', async () => {
    await using server = await serve((_, response) => sendOcsp(response, ANSWER));
    const answer = await postRequest(`${server.url}/ca`, REQUEST, ports(), never());
    expect(answer).toMatchObject({ kind: 'body', body: ANSWER, cachedUntil: null });
    expect(server.requests).toMatchObject([{ method: 'POST', url: '/ca', body: Buffer.from(REQUEST) }]);
  });

  it.each<[string, Record<string, string>, number | null]>([
    ['max-age', { 'cache-control': 'public, max-age=600' }, NOW + 600_000],
    ['max-age less the age', { 'cache-control': 'max-age=600', age: '100' }, NOW + 500_000],
    ['Expires', { expires: new Date(NOW + 60_000).toUTCString() }, NOW + 60_000],
    ['no-store', { 'cache-control': 'no-store, max-age=600' }, null],
    ['rubbish', { 'cache-control': 'max-age=x', expires: '0x' }, null],
  ])('reads how long caches keep the answer: %s', async (_, headers, until) => {
    await using server = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/OCSP-response; x=y', ...headers }).end(ANSWER);
    });
    expect(await getResponse(server.url, ports(), never())).toMatchObject({
      kind: 'body',
      cachedUntil: until,
    });
  });

  it('follows three redirects and keeps the method', async () => {
    await using server = await serve(({ url }, response) => {
      const hop = Number(url.slice(1));
      if (hop === 3) sendOcsp(response, ANSWER);
      else response.writeHead(301, { location: `/${hop + 1}` }).end();
    });
    const answer = await postRequest(`${server.url}/0`, REQUEST, ports(), never());
    expect(answer).toMatchObject({ kind: 'body' });
    expect(server.requests.map(({ method }) => method)).toEqual(['POST', 'POST', 'POST', 'POST']);
  });

  it.each<[string, 'unreachable' | 'status' | 'unfit', RegExp, (response: ServerResponse) => unknown]>([
    [
      'HTML',
      'unfit',
      /text\/html instead of/,
      (r) => r.writeHead(200, { 'content-type': 'text/html' }).end('<p>'),
    ],
    ['no type', 'unfit', /no type instead of/, (r) => r.writeHead(200).end(ANSWER)],
    ['an error', 'status', /HTTP status 500/, (r) => r.writeHead(500).end()],
    ['a redirect for ever', 'unfit', /more than 3 times/, (r) => r.writeHead(302, { location: '/' }).end()],
    [
      'a redirect to a file',
      'unfit',
      /redirects to/,
      (r) => r.writeHead(302, { location: 'file:///etc' }).end(),
    ],
    ['a large body', 'unfit', /more than 64 KiB/, (r) => sendOcsp(r, Buffer.alloc(LARGEST_BODY + 1))],
    [
      'an endless body',
      'unfit',
      /more than 64 KiB/,
      (r) => {
        r.writeHead(200, { 'content-type': 'application/ocsp-response' });
        const pump = () => {
          while (!r.destroyed && r.write(Buffer.alloc(16_384)));
        };
        r.on('drain', pump);
        pump();
      },
    ],
    [
      'half a body',
      'unreachable',
      /cannot be reached/,
      (r) => {
        r.writeHead(200, { 'content-type': 'application/ocsp-response', 'content-length': 100 });
        r.write(ANSWER, () => r.destroy());
      },
    ],
    ['nothing', 'unreachable', /cannot be reached/, (r) => r.destroy()],
  ])('tells %s', async (_, reason, message, respond) => {
    await using server = await serve((_request, response) => respond(response));
    const answer = await getResponse(server.url, ports(), never());
    expect(answer).toMatchObject({ kind: 'failed', reason, message: expect.stringMatching(message) });
  });

  it.each([
    ['120', NOW + 120_000],
    [new Date(NOW + 60_000).toUTCString(), NOW + 60_000],
    ['soon', null],
  ])('passes on when to come back: %s', async (header, retryAt) => {
    await using server = await serve((_, response) =>
      response.writeHead(503, { 'retry-after': header }).end(),
    );
    expect(await getResponse(server.url, ports(), never())).toMatchObject({ reason: 'status', retryAt });
  });

  it('gives up on a server that says nothing, after its time', async () => {
    const asked = Promise.withResolvers<void>();
    await using server = await serve(() => asked.resolve());
    const sleeps: number[] = [];
    const clock: Clock = {
      ...frozen,
      sleep: (ms) => {
        sleeps.push(ms);
        return asked.promise;
      },
    };
    const answer = await getResponse(server.url, { fetch: systemFetch, clock }, never());
    expect(answer).toMatchObject({ reason: 'unreachable', message: expect.stringContaining('within 15 s') });
    expect(sleeps).toEqual([15_000]);
  });

  it('ends when it is told to', async () => {
    const stop = new AbortController();
    await using server = await serve(() => stop.abort(new Error('stopped')));
    await expect(getResponse(server.url, ports(), stop.signal)).rejects.toThrow('stopped');
    await expect(getResponse(server.url, ports(), stop.signal)).rejects.toThrow('stopped');
    expect(server.requests).toHaveLength(1);
  });

  it('says why nobody is there', async () => {
    const gone = await serve(() => {});
    await gone[Symbol.asyncDispose]();
    expect(await getResponse(gone.url, ports(), never())).toMatchObject({
      reason: 'unreachable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});

const frozen: Clock = { now: () => NOW, sleep: () => new Promise(() => {}), every: () => () => {} };

function ports() {
  return { fetch: systemFetch, clock: frozen };
}

function never(): AbortSignal {
  return new AbortController().signal;
}
