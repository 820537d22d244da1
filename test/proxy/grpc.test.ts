import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Limits } from '../../src/proxy/protocol.ts';
import { testCertificate } from './certificate.ts';
import { route, startProxy, until } from './fixture.ts';
import { EchoClient, type EchoServer, echoServer, type Message } from './grpc-service.ts';
import { h2Request } from './h2-client.ts';
import { answering, rawUpstream } from './upstream-servers.ts';

/** A client, a proxy and a server of gRPC. */
async function grpcThrough(
  limits: Partial<Limits> = {},
): Promise<{ client: EchoClient; server: EchoServer; proxy: Awaited<ReturnType<typeof startProxy>> }> {
  const server = await echoServer();
  const proxy = await startProxy({
    routes: [route({ scheme: 'h2c', host: '127.0.0.1', port: server.port })],
    limits,
  });
  const client = new EchoClient(proxy.port, (await testCertificate()).cert, 'example.test');
  onTestFinished(() => {
    client.close();
    server.close();
  });
  return { client, server, proxy };
}

async function failure(promise: Promise<unknown>): Promise<grpc.ServiceError> {
  return promise.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: grpc.ServiceError) => error,
  );
}

describe('gRPC', () => {
  it('one message each way, and trailers', async () => {
    const { client, proxy } = await grpcThrough();
    const { answer, trailers } = await client.unary({ text: 'hello' });
    expect(answer.text).toBe('hello');
    expect(trailers.get('x-trailer')).toEqual(['at the end']);
    expect(trailers.get('x-data-bin')).toEqual([Buffer.from([0, 255, 7])]);
    expect(proxy.counters.values().upstreamErrors).toEqual({});
  });

  it('tells the server who asks for what', async () => {
    const { client } = await grpcThrough();
    const { answer } = await client.unary({ text: 'where' });
    expect(answer.text).toMatch(/^127\.0\.0\.1:\d+ 127\.0\.0\.1 example\.test$/);
  });

  it('a failure before any message, with its text and metadata', async () => {
    const { client } = await grpcThrough();
    const error = await failure(client.unary({ text: 'fail' }));
    expect(error).toMatchObject({ code: grpc.status.RESOURCE_EXHAUSTED, details: 'zu viel für heute' });
    expect(error.metadata.get('x-trailer')).toEqual(['at the end']);
  });

  it('a method that there is not', async () => {
    const { proxy } = await grpcThrough();
    const client = new grpc.Client(
      `127.0.0.1:${proxy.port}`,
      grpc.credentials.createSsl(Buffer.from((await testCertificate()).cert)),
      { 'grpc.ssl_target_name_override': 'example.test', 'grpc.default_authority': 'example.test' },
    );
    onTestFinished(() => client.close());
    const error = await failure(
      new Promise((resolve, reject) => {
        const pass = (bytes: Buffer) => bytes;
        client.makeUnaryRequest('/test.Echo/None', pass, pass, Buffer.alloc(1), (wrong, value) =>
          wrong === null ? resolve(value) : reject(wrong),
        );
      }),
    );
    expect(error.code).toBe(grpc.status.UNIMPLEMENTED);
  });

  it('a stream of messages from the client', async () => {
    const { client } = await grpcThrough();
    const answer = await new Promise<Message | undefined>((resolve, reject) => {
      const call = client.upload((error, value) => (error === null ? resolve(value) : reject(error)));
      for (let n = 0; n < 100; n++) call.write({ padding: 1_000 });
      call.end();
    });
    expect(answer).toMatchObject({ count: 100, text: '100000' });
  });

  it('a server that has enough before the client has ended', async () => {
    const { client } = await grpcThrough();
    const error = await failure(
      new Promise((resolve, reject) => {
        const call = client.upload((wrong, value) => (wrong === null ? resolve(value) : reject(wrong)));
        call.on('error', () => {});
        call.write({ text: 'enough' });
      }),
    );
    expect(error).toMatchObject({ code: grpc.status.FAILED_PRECONDITION, details: 'enough of it' });
  });

  it('a stream of messages from the server, and its failure halfway', async () => {
    const { client } = await grpcThrough();
    const counts: (number | undefined)[] = [];
    const call = client.download({ count: 50, padding: 2_000, text: 'fail' });
    call.on('data', ({ count }: Message) => counts.push(count));
    const [error] = (await once(call, 'error')) as [grpc.ServiceError];
    expect(error).toMatchObject({ code: grpc.status.ABORTED, details: 'halfway' });
    expect(counts).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
  });

  it('a conversation, longer than a response may take to begin and a connection to be idle', async () => {
    const { client, server } = await grpcThrough({ upstreamResponseMs: 100, upstreamIdleMs: 100 });
    const call = client.chat();
    const replies: (string | undefined)[] = [];
    call.on('data', ({ text }: Message) => replies.push(text));
    call.write({ text: 'a' });
    await until(() => replies.length === 1);
    await delay(400);
    call.write({ text: 'b' });
    await until(() => replies.length === 2);
    call.end();
    await once(call, 'end');
    expect(replies).toEqual(['you said a', 'you said b']);
    expect(server.events[0]).toBe('client ended');
  });

  it('a conversation in which nobody says anything for longer than a body may be silent', async () => {
    const { client } = await grpcThrough({ bodyIdleMs: 100, upstreamResponseMs: 100 });
    const call = client.chat();
    await delay(400);
    call.write({ text: 'at last' });
    expect((await once(call, 'data'))[0]).toMatchObject({ text: 'you said at last' });
    call.end();
    call.resume();
    await once(call, 'end');
  });

  it('a call whose answer takes longer than others may take', async () => {
    const { client, server } = await grpcThrough({ upstreamResponseMs: 100 });
    const began = performance.now();
    const error = await failure(client.unary({ text: 'never' }, { deadline: Date.now() + 600 }));
    expect(error.code).toBe(grpc.status.DEADLINE_EXCEEDED);
    expect(performance.now() - began).toBeGreaterThan(500);
    await until(() => server.events.includes('cancelled'));
  });

  it('passes the deadline on', async () => {
    const { client } = await grpcThrough();
    const { answer } = await client.unary({ text: 'deadline' }, { deadline: Date.now() + 3_600_000 });
    expect(Number(answer.text)).toBeGreaterThan(3_000_000);
    expect(Number(answer.text)).toBeLessThanOrEqual(3_600_000);
  });

  it('tells the server that the client has left', async () => {
    const { client, server, proxy } = await grpcThrough();
    const call = client.download({ count: 1, text: 'stay' });
    call.on('error', () => {});
    await once(call, 'data');
    call.cancel();
    await until(() => server.events.includes('cancelled'));
    const { answer } = await client.unary({ text: 'still there' });
    expect(answer.text).toBe('still there');
    expect(proxy.counters.values().upstreamErrors).toEqual({});
  });

  it('a message of 20 MB each way', async () => {
    const { client } = await grpcThrough();
    const { answer } = await client.unary({ text: 'large', padding: 20_000_000 });
    expect(answer).toMatchObject({ text: 'large', padding: 20_000_000 });
  });

  it('a thousand calls at once', async () => {
    const { client, proxy } = await grpcThrough();
    const answers = await Promise.all(
      Array.from(
        { length: 1_000 },
        async (_, n) => (await client.unary({ text: String(n), padding: n })).answer,
      ),
    );
    expect(answers).toEqual(Array.from({ length: 1_000 }, (_, n) => ({ text: String(n), padding: n })));
    expect(proxy.counters.values().upstreamErrors).toEqual({});
  });

  it('says UNAVAILABLE when the server is not there, and why', async () => {
    const { client, server, proxy } = await grpcThrough();
    expect((await client.unary({ text: 'a' })).answer.text).toBe('a');
    server.close();
    const error = await failure(client.unary({ text: 'b' }));
    expect(error).toMatchObject({
      code: grpc.status.UNAVAILABLE,
      details: 'the proxy could not reach the server, or got no valid answer',
    });
    // Logs and metrics go by what has happened.
    await until(() => Object.keys(proxy.counters.values().responses).length === 2);
    expect(proxy.counters.values().responses).toMatchObject({ 'route="example.test",status="502"': 1 });
  });
});

describe('a server that is not there', () => {
  const DEAD = { scheme: 'h2c', host: '127.0.0.1', port: 1 } as const;

  async function ask(type: string, routeOptions: Parameters<typeof route>[1] = {}) {
    const headerRules = [{ action: 'add', name: 'X-Rule', value: 'yes' }] as const;
    const proxy = await startProxy({ routes: [route(DEAD, { headerRules, ...routeOptions })] });
    return h2Request(proxy.port, {
      ':method': 'POST',
      ':path': '/test.Echo/Unary',
      ':authority': 'example.test',
      'content-type': type,
    });
  }

  it('is trailers only for a client of gRPC, put through the header rules', async () => {
    const response = await ask('application/grpc+proto');
    expect(response).toMatchObject({ status: 200, body: '', trailers: {} });
    expect(response.headers).toMatchObject({
      'content-type': 'application/grpc',
      'grpc-status': '14',
      'x-rule': 'yes',
    });
  });

  it.each(['application/json', 'application/grpc-web+proto'])('is 502 for %s', async (type) => {
    const response = await ask(type);
    expect(response.status).toBe(502);
    expect(response.headers).not.toHaveProperty('grpc-status');
  });

  it('is the error page that the route has', async () => {
    const page = await rawUpstream(answering('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage'));
    const errorPages = [{ status: 502, upstream: page, path: '/' }];
    expect(await ask('application/grpc', { errorPages })).toMatchObject({ status: 502, body: 'page' });
  });
});
