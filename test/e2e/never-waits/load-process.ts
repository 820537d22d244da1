// The process of `load.ts`: asks at a fixed rate, whether or not answers come, and notes how long each took.
import type { ClientRequest } from 'node:http';
import { Agent, request } from 'node:https';
import { createSecureContext, type TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';
import type { Order, ProcessOptions, Sample, SampleKind } from './load.ts';

/** An answer that takes longer counts as failed, in milliseconds. */
const PATIENCE_MS = 30_000;
const STALL_TICK_MS = 5;

const options = await new Promise<ProcessOptions>((resolve) => process.once('message', resolve));
const { port, roots, handshakesPerS, requestsPerS, messagesPerS, downloads, yardstick } = options;
/** Made once: a client that reads the roots again for each connection measures itself. */
const secureContext = createSecureContext({ ca: [...roots] });
const kept = new Agent({ keepAlive: true, maxSockets: 4, maxCachedSessions: 0, secureContext });
const yardstickContext = createSecureContext({ ca: yardstick.root });
const common = { host: '127.0.0.1', port, path: '/', timeout: PATIENCE_MS, secureContext };

type OpenSlice = { samples: Sample[]; ownStallMs: number };

let slice = emptySlice();
let names: readonly string[] = [];
let running = true;
let pending = 0;
const slices: Record<string, OpenSlice> = {};
const timers: NodeJS.Timeout[] = [];
const sockets: WebSocket[] = [];
const stopping: (() => void)[] = [];
/** Downloads and WebSockets that do not run yet. */
let closed = 2 * downloads;

/** One measurement: it belongs to the slice in which it began. */
function measure(kind: SampleKind, name: string): (error: string | null, serial?: string | null) => void {
  const { samples } = slice;
  const startedAt = performance.timeOrigin + performance.now();
  const started = performance.now();
  pending++;
  let open = true;
  return (error, serial = null) => {
    if (!open) return;
    open = false;
    pending--;
    samples.push({ kind, name, startedAt, ms: performance.now() - started, error, serial });
  };
}

function ask(kind: 'handshake' | 'request', name: string): void {
  const done = measure(kind, name);
  let serial: string | null = null;
  const asked = request({
    ...common,
    agent: kind === 'handshake' ? false : kept,
    servername: name,
    headers: { host: name },
  });
  if (kind === 'handshake') {
    asked.on('socket', (socket) =>
      socket.once('secureConnect', () => {
        serial = (socket as TLSSocket).getPeerX509Certificate()?.serialNumber ?? null;
      }),
    );
  }
  awaitAnswer(asked, (error) => done(error, serial));
}

function askYardstick(): void {
  const options = { ...common, port: yardstick.port, agent: false, secureContext: yardstickContext };
  const asked = request(options);
  awaitAnswer(asked, measure('yardstick', ''));
}

function awaitAnswer(asked: ClientRequest, done: (error: string | null) => void): void {
  asked.on('timeout', () => asked.destroy(new Error('no answer')));
  asked.on('error', (error) => done(error.message));
  asked.on('response', (response) => {
    response.on('error', (error) => done(error.message));
    response.on('end', () => done(response.statusCode === 200 ? null : `status ${response.statusCode}`));
    response.resume();
  });
  asked.end();
}

/** A response that takes as long as the load: every chunk of it must keep coming. */
function download(name: string): void {
  const asked = request({
    ...common,
    path: '/slow',
    agent: false,
    servername: name,
    headers: { host: name },
  });
  let done = measure('chunk', name);
  asked.on('error', (error) => running && done(error.message));
  asked.on('response', (response) => {
    opened();
    response.on('data', () => {
      done(null);
      if (running) done = measure('chunk', name);
    });
    response.on('error', (error) => running && done(error.message));
    response.on('end', () => running && done('the download ended early'));
  });
  asked.end();
  stopping.push(() => {
    asked.destroy();
    done(null);
  });
}

/** One connection for the whole load; what is sent comes back. */
function converse(name: string): void {
  const options = { servername: name, headers: { host: name }, secureContext };
  const socket = new WebSocket(`wss://127.0.0.1:${port}/`, options);
  const waiting: ((error: string | null) => void)[] = [];
  const fail = (why: string) => {
    for (const done of waiting.splice(0)) done(why);
    if (running) measure('message', name)(why);
  };
  socket.on('message', () => waiting.shift()?.(null));
  socket.on('error', ({ message }) => fail(message));
  socket.on('close', () => fail('the WebSocket was closed'));
  socket.on('open', () => {
    opened();
    every(1000 / messagesPerS, () => {
      if (socket.readyState !== WebSocket.OPEN) return;
      waiting.push(measure('message', name));
      socket.send('ping');
    });
  });
  sockets.push(socket);
}

function opened(): void {
  closed--;
  if (closed === 0) process.send?.('open');
}

/** Calls `work` at a fixed rate, catching up after a stall of this process. */
function every(ms: number, work: () => void): void {
  let next = performance.now() + ms;
  const tick = () => {
    while (running && performance.now() >= next) {
      next += ms;
      work();
    }
  };
  timers.push(setInterval(tick, Math.min(ms, 10)));
}

function watchOwnStalls(): void {
  let last = performance.now();
  timers.push(
    setInterval(() => {
      const now = performance.now();
      slice.ownStallMs = Math.max(slice.ownStallMs, now - last - STALL_TICK_MS);
      last = now;
    }, STALL_TICK_MS),
  );
}

function emptySlice(): OpenSlice {
  return { samples: [], ownStallMs: 0 };
}

function begin(name: string, about: readonly string[]): void {
  slice = slices[name] ?? emptySlice();
  slices[name] = slice;
  names = about;
  if (timers.length > 0) return;
  watchOwnStalls();
  let turn = 0;
  const nextName = () => names[turn++ % names.length] ?? '';
  every(1000 / handshakesPerS, () => ask('handshake', nextName()));
  every(1000 / requestsPerS, () => ask('request', nextName()));
  every(1000 / handshakesPerS, askYardstick);
  for (const first of names.slice(0, downloads)) {
    download(first);
    converse(first);
  }
}

function stop(): void {
  running = false;
  for (const timer of timers) clearInterval(timer);
  for (const end of stopping) end();
  const wait = setInterval(() => {
    if (pending > 0) return;
    clearInterval(wait);
    for (const socket of sockets) socket.terminate();
    kept.destroy();
    process.send?.(slices, undefined, undefined, () => process.disconnect?.());
  }, 20);
}

process.on('message', (order: Order) => {
  if (order === 'stop') stop();
  else begin(order.slice, order.names);
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
