import http2 from 'node:http2';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { WebSocket } from 'ws';
import type { Daemon } from './daemon.ts';
import { startUpstream, type Upstream } from './upstream.ts';

/** How many of each kind began, and how many of those that should have gone well did not. */
export interface Counts {
  readonly begun: Readonly<Record<string, number>>;
  readonly failed: Readonly<Record<string, number>>;
}

export interface MixedLoad {
  readonly counts: Counts;
  /** Begins nothing more, and resolves when all has ended. */
  stop(): Promise<Counts>;
}

const NAME = 'mixed.test';
const SMALL = 'x'.repeat(100);
const LARGE = Buffer.alloc(1_048_576, 'x');
const UPLOAD = Buffer.alloc(102_400, 'x');
/** An upstream takes so long for `/slow`, in milliseconds; whoever aborts does it before. */
const SLOW_MS = 300;
const ABORT_MS = 30;
const PAUSE_MS = 700;
const TURN_MS = 20;
const LINGER_MS = 2_000;
const SESSIONS = 4;
/** A session of HTTP/2 is closed after so many requests. */
const REQUESTS_OF_SESSION = 200;

/** What a mixed load asks. */
export function startMixedUpstream(): Promise<Upstream> {
  return startUpstream('mixed', (request, response) => {
    request.on('error', () => {});
    response.on('error', () => {});
    request.resume();
    if (request.url === '/large') response.end(LARGE);
    else if (request.url === '/slow') setTimeout(() => response.end(SMALL), SLOW_MS);
    else request.on('end', () => response.end(SMALL));
  });
}

/** The configuration that {@link startMixedLoad} needs, with another route besides if it has a name. */
export function mixedRoute({ address }: Upstream, other?: string): string {
  const names = other === undefined ? [NAME] : [NAME, other];
  return names.map((name) => `route ${name}\n  upstream ${address}\n`).join('');
}

/**
 * Clients of every sort, so many acts a second: requests over kept and new connections and over HTTP/2, uploads,
 * WebSockets, clients that leave in the middle, and clients that read slowly.
 */
export function startMixedLoad(daemon: Daemon, perSecond: number): MixedLoad {
  const begun: Record<string, number> = {};
  const failed: Record<string, number> = {};
  const clients = new Clients(daemon);
  const acts = actsOf(clients);
  const running = new Set<Promise<void>>();
  let turn = 0;
  let owed = 0;
  const begin = () => {
    // Steps through the list in a fixed order in which kinds lie far apart.
    const [name, act] = acts[(turn++ * STRIDE) % acts.length] ?? acts[0] ?? ['', async () => true];
    begun[name] = (begun[name] ?? 0) + 1;
    const done = act()
      .catch(() => false)
      .then((ok) => {
        if (!ok) failed[name] = (failed[name] ?? 0) + 1;
        running.delete(done);
      });
    running.add(done);
  };
  const timer = setInterval(() => {
    owed = Math.min(owed + (perSecond * TURN_MS) / 1_000, perSecond);
    for (; owed >= 1 && running.size < perSecond; owed--) begin();
  }, TURN_MS);
  return {
    counts: { begun, failed },
    async stop() {
      clearInterval(timer);
      await Promise.all(running);
      clients.close();
      return { begun, failed };
    },
  };
}

type Act = () => Promise<boolean>;

/** A hundred acts; prime to {@link STRIDE}. */
function actsOf(clients: Clients): readonly (readonly [name: string, act: Act])[] {
  const weighted: readonly (readonly [name: string, weight: number, act: Act])[] = [
    ['kept', 40, () => clients.ask('/', {})],
    ['http2', 25, () => clients.askHttp2('/')],
    ['new connection', 5, () => clients.ask('/', { agent: false })],
    ['upload', 5, () => clients.ask('/', { method: 'POST' }, UPLOAD)],
    ['upload over http2', 5, () => clients.askHttp2('/', UPLOAD)],
    ['abort', 5, () => clients.abort({ path: '/slow' })],
    ['aborted upload', 3, () => clients.abort({ method: 'POST', headers: { 'content-length': '1000000' } })],
    ['abort over http2', 5, () => clients.abortHttp2()],
    ['slow reader', 2, () => clients.readSlowly(true)],
    ['reader that leaves', 1, () => clients.readSlowly(false)],
    ['websocket', 4, () => clients.echo()],
  ];
  return weighted.flatMap(([name, weight, act]) =>
    Array.from({ length: weight }, () => [name, act] as const),
  );
}

const STRIDE = 37;

class Clients {
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 });
  readonly #sessions: (Session | undefined)[] = Array.from({ length: SESSIONS });
  #turn = 0;

  constructor({ ports }: Daemon) {
    this.#port = ports.https;
  }

  close(): void {
    this.#agent.destroy();
    for (const session of this.#sessions) session?.session.close();
  }

  ask(path: string, options: RequestOptions, body?: Buffer): Promise<boolean> {
    return new Promise((resolve) => {
      const request = httpsRequest(this.#options({ agent: this.#agent, path, ...options }), (response) => {
        response.on('error', () => resolve(false));
        response.on('close', () => resolve(response.complete && response.statusCode === 200));
        response.resume();
      });
      request.on('error', () => resolve(false));
      request.end(body);
    });
  }

  askHttp2(path: string, body?: Buffer): Promise<boolean> {
    return new Promise((resolve) => {
      const stream = this.#session().request({
        ':path': path,
        ':method': body === undefined ? 'GET' : 'POST',
      });
      let status: unknown;
      stream.on('response', (headers) => {
        status = headers[':status'];
      });
      stream.on('error', () => {});
      stream.on('close', () => resolve(stream.rstCode === 0 && status === 200));
      stream.resume();
      stream.end(body);
    });
  }

  /** Leaves before there is an answer. */
  abort(options: RequestOptions): Promise<boolean> {
    return new Promise((resolve) => {
      const request = httpsRequest(this.#options({ agent: false, ...options }));
      request.on('error', () => {});
      request.on('close', () => resolve(true));
      if (options.method === 'POST') request.write(UPLOAD.subarray(0, 10_000));
      else request.end();
      request.on('socket', (socket) => {
        socket.on('secureConnect', () => setTimeout(() => request.destroy(), ABORT_MS));
      });
    });
  }

  abortHttp2(): Promise<boolean> {
    return new Promise((resolve) => {
      const stream = this.#session().request({ ':path': '/slow' });
      stream.on('error', () => {});
      stream.on('close', () => resolve(true));
      setTimeout(() => stream.close(http2.constants.NGHTTP2_CANCEL), ABORT_MS);
    });
  }

  /** Reads nothing of a large body for a while, and then all of it or nothing at all. */
  readSlowly(toTheEnd: boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const request = httpsRequest(this.#options({ agent: false, path: '/large' }), (response) => {
        response.on('error', () => {});
        response.on('close', () => resolve(!toTheEnd || response.complete));
        setTimeout(() => (toTheEnd ? response.resume() : response.destroy()), PAUSE_MS);
      });
      request.on('error', () => resolve(!toTheEnd));
      request.end();
    });
  }

  echo(): Promise<boolean> {
    return new Promise((resolve) => {
      const options = { rejectUnauthorized: false, servername: NAME, headers: { host: NAME } };
      const socket = new WebSocket(`wss://127.0.0.1:${this.#port}/`, options);
      let echoed = false;
      socket.on('open', () => socket.send(SMALL));
      socket.on('message', () => {
        echoed = true;
        socket.close();
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve(echoed));
    });
  }

  #options(options: RequestOptions): RequestOptions {
    const { headers } = options;
    return {
      host: '127.0.0.1',
      port: this.#port,
      servername: NAME,
      rejectUnauthorized: false,
      ...options,
      headers: { ...headers, host: NAME },
    };
  }

  #session(): http2.ClientHttp2Session {
    const at = this.#turn++ % SESSIONS;
    const known = this.#sessions[at];
    if (known !== undefined && known.left > 0 && !known.session.closed && !known.session.destroyed) {
      known.left--;
      return known.session;
    }
    // Not at once: Node refuses streams that have not left yet.
    if (known !== undefined) setTimeout(() => known.session.close(), LINGER_MS);
    const session = http2.connect(`https://${NAME}`, {
      rejectUnauthorized: false,
      servername: NAME,
      host: '127.0.0.1',
      port: this.#port,
    });
    session.on('error', () => {});
    this.#sessions[at] = { session, left: REQUESTS_OF_SESSION };
    return session;
  }
}

interface Session {
  readonly session: http2.ClientHttp2Session;
  left: number;
}
