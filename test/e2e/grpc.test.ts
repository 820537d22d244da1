import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import * as grpc from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EchoClient, type EchoServer, echoServer, type Message } from '../proxy/grpc-service.ts';
import { type Daemon, eventually, startDaemon } from './daemon.ts';

function clientOf(daemon: Daemon): EchoClient {
  const client = new EchoClient(daemon.ports.https, readFileSync(daemon.root, 'utf8'), 'grpc.test');
  onTestFinished(() => client.close());
  return client;
}

async function serve(): Promise<EchoServer> {
  const server = await echoServer();
  onTestFinished(() => server.close());
  return server;
}

describe('gRPC through the daemon', () => {
  it('all four kinds of calls, a failure, a deadline', { timeout: 60_000 }, async () => {
    const server = await serve();
    await using daemon = await startDaemon(`route grpc.test\n  upstream h2c://127.0.0.1:${server.port}\n`);
    const client = clientOf(daemon);

    const { answer, trailers } = await client.unary({ text: 'hello' });
    expect(answer.text).toBe('hello');
    expect(trailers.get('x-trailer')).toEqual(['at the end']);

    const sum = await new Promise<Message | undefined>((resolve, reject) => {
      const call = client.upload((error, value) => (error === null ? resolve(value) : reject(error)));
      for (let n = 0; n < 10; n++) call.write({ padding: 100_000 });
      call.end();
    });
    expect(sum).toMatchObject({ count: 10, text: '1000000' });

    let received = 0;
    const download = client.download({ count: 10, padding: 100_000 });
    download.on('data', ({ padding }: Message) => {
      received += padding ?? 0;
    });
    await once(download, 'end');
    expect(received).toBe(1_000_000);

    const chat = client.chat();
    for (const text of ['a', 'b']) {
      chat.write({ text });
      expect((await once(chat, 'data'))[0]).toMatchObject({ text: `you said ${text}` });
    }
    chat.end();
    chat.resume();
    await once(chat, 'end');

    await expect(client.unary({ text: 'fail' })).rejects.toMatchObject({
      code: grpc.status.RESOURCE_EXHAUSTED,
    });
    await expect(client.unary({ text: 'never' }, { deadline: Date.now() + 300 })).rejects.toMatchObject({
      code: grpc.status.DEADLINE_EXCEEDED,
    });
    await eventually(
      'the end of the call at the server',
      () => server.events.includes('cancelled') || undefined,
    );
    expect(await daemon.metrics()).not.toMatch(/rigil_upstream_errors_total\{/);
  });

  it('a conversation goes on while the daemon drains', { timeout: 60_000 }, async () => {
    const server = await serve();
    const daemon = await startDaemon(`route grpc.test\n  upstream h2c://127.0.0.1:${server.port}\n`, {
      workers: 1,
    });
    await using _ = daemon;
    const chat = clientOf(daemon).chat();
    chat.write({ text: 'before' });
    await once(chat, 'data');
    const ended = daemon.stop();
    await daemon.event('drain.started');
    chat.write({ text: 'meanwhile' });
    expect((await once(chat, 'data'))[0]).toMatchObject({ text: 'you said meanwhile' });
    chat.end();
    chat.resume();
    await once(chat, 'end');
    expect(await ended).toBe(0);
  });
});
