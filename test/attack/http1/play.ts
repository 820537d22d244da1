import { expect } from 'vitest';
import type { Route } from '../../../src/routing/route.ts';
import { route, startProxy, until } from '../../proxy/fixture.ts';
import { connectTls } from '../../proxy/raw-client.ts';
import { recordingUpstream } from './recording-upstream.ts';

/** What a client sends in one write, what it gets, and every byte that the upstream sees. */
export interface Desync {
  readonly name: string;
  readonly sent: string;
  /** Of the responses, in order. None: the request is not whole, and its answer is not waited for. */
  readonly statuses: readonly number[];
  /** The connection ends after the last response, whatever else was sent. */
  readonly closes?: boolean;
  /** Methods of the requests, where one is HEAD. */
  readonly methods?: readonly string[];
  readonly upstream: string;
}

/** Sends it through a whole data path, and holds what happens against what should. */
export async function play(attack: Desync, more: Partial<Route> = {}): Promise<void> {
  const { sent, statuses, closes = false, methods = [], upstream: wanted } = attack;
  const upstream = await recordingUpstream();
  const names = ['example.test', 'a.example', 'other.test'];
  const proxy = await startProxy({ routes: [route(upstream, { names, ...more })] });
  const client = await connectTls(proxy.port);
  client.send(sent);
  const got: number[] = [];
  for (const index of statuses.keys()) got.push((await client.response(methods[index])).status);
  if (!closes) {
    if (statuses.length === 0) await until(() => upstream.received.length >= wanted.length);
    client.socket.end();
  }
  expect(await client.readToEnd()).toBe('');
  // Whatever was still on its way to the upstream is there, or never comes.
  await until(() => proxy.serving.connections === 0);
  expect({ statuses: got, upstream: upstream.received }).toEqual({ statuses, upstream: wanted });
}
