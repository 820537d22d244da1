import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/platform/clock.ts';
import { loopbackCertificate } from '../../loopback-certificate.ts';
import { createAuthority } from './authority.ts';
import { type Answer, type FakeRequest, type FakeState, handlers, type Route } from './handlers.ts';

/** Instead of the usual answer: another one, the usual one (`null`), silence, or a closed connection after doing it. */
export type Fault = (request: FakeRequest, state: FakeState) => Outcome | Promise<Outcome>;

export type Outcome = Answer | null | 'hang' | 'forget-to-answer';

/** A fake CA on loopback. */
export interface FakeCa {
  readonly directory: string;
  readonly caRoot: string;
  readonly roots: string;
  readonly state: FakeState;
  /** Every request in order, as `route` or `route id`. */
  readonly requests: FakeRequest[];
  count(route: Route): number;
  /** Sees every request as it came. */
  onRequest: (incoming: IncomingMessage) => void;
  /** Puts a fault in the way of the next `times` requests (default: all) of a route. */
  disturb(route: Route, fault: Fault, times?: number): void;
  stop(): Promise<void>;
}

export async function startFakeCa(): Promise<FakeCa> {
  const folder = await mkdtemp(join(tmpdir(), 'rigil-fake-ca-'));
  const certificate = await loopbackCertificate();
  const caRoot = join(folder, 'root.pem');
  await writeFile(caRoot, certificate.chain);
  const faults = new Map<Route, { readonly fault: Fault; left: number }>();
  const requests: FakeRequest[] = [];
  let nonces = 0;
  let running: FakeCa | null = null;

  const server = createServer({ cert: certificate.chain, key: certificate.key }, (incoming, response) => {
    void respond(incoming, response).catch(() => response.destroy());
  });
  const respond = async (incoming: IncomingMessage, response: ServerResponse) => {
    const request = await readRequest(incoming);
    if (request === null || running === null) return send(response, { status: 404 });
    const { state } = running;
    running.onRequest(incoming);
    requests.push(request);
    const disturbance = faults.get(request.route);
    const disturbed = disturbance !== undefined && disturbance.left-- > 0;
    const fault = disturbed ? await disturbance.fault(request, state) : null;
    response.setHeader('replay-nonce', `nonce-${nonces++}`);
    if (fault === 'hang') return;
    if (fault !== null && fault !== 'forget-to-answer') return send(response, fault);
    const answer = await handlers[request.route](state, request);
    if (fault === null) send(response, answer);
    else incoming.socket.destroy();
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  const base = `https://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const state: FakeState = {
    base,
    authority: await createAuthority(systemClock.now()),
    orders: new Map(),
    deactivated: [],
  };
  const ca: FakeCa = {
    onRequest: () => {},
    directory: `${base}/directory`,
    caRoot,
    roots: certificate.chain,
    state,
    requests,
    count: (route) => requests.filter((request) => request.route === route).length,
    disturb: (route, fault, times = Number.POSITIVE_INFINITY) => faults.set(route, { fault, left: times }),
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await rm(folder, { recursive: true });
    },
  };
  running = ca;
  return ca;
}

function send(response: ServerResponse, { status = 200, headers = {}, body = '' }: Answer): void {
  const json = typeof body === 'object';
  response.writeHead(status, { ...(json ? { 'content-type': 'application/json' } : {}), ...headers });
  response.end(json ? JSON.stringify(body) : body);
}

async function readRequest(incoming: IncomingMessage): Promise<FakeRequest | null> {
  const [route = '', id = ''] = (incoming.url ?? '').slice(1).split('/');
  let text = '';
  for await (const chunk of incoming.setEncoding('utf8')) text += chunk;
  if (!isRoute(route)) return null;
  const payload =
    text === '' ? '' : Buffer.from(String(JSON.parse(text).payload), 'base64url').toString('utf8');
  return { route, id, payload: payload === '' ? null : JSON.parse(payload) };
}

function isRoute(name: string): name is Route {
  return Object.hasOwn(handlers, name);
}
