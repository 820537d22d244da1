import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A device of the tailnet, as `whois` tells of it. */
export interface Device {
  readonly login: string;
  readonly name: string;
  readonly picture?: string;
  readonly tags?: readonly string[];
}

/** What the daemon is to say; may be changed at any time. */
export interface World {
  state: string;
  tun: boolean;
  addresses: string[];
  certDomains: string[];
  /** By address. */
  devices: Record<string, Device>;
  /** Key first, then the chain, as PEM; `minValidityMs` is 0 when nothing was asked for. May throw. */
  certificate: (name: string, minValidityMs: number) => string | Promise<string>;
  /** The caller may fetch certificates: root, or the user of TS_PERMIT_CERT_UID. */
  permitCert: boolean;
  /** Called before `whois` answers. */
  beforeWhois: () => Promise<void> | void;
}

/** A failure with a status of its own, as the daemon has for rate limits only. */
export class StatusError extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

export interface TailscaleStandIn extends AsyncDisposable {
  readonly socket: string;
  readonly world: World;
  /** Paths with query that were asked for. */
  readonly requests: string[];
  /** Ends the daemon, and starts it again at the same socket. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/**
 * The parts of tailscaled's LocalAPI that rigil uses, as ipn/localapi of Tailscale 1.98 has them: the same checks of the
 * caller, statuses, texts and shapes.
 */
export async function startTailscale(world: Partial<World> = {}): Promise<TailscaleStandIn> {
  const folder = mkdtempSync(join(tmpdir(), 'rigil-ts-'));
  const socket = join(folder, 'tailscaled.sock');
  const requests: string[] = [];
  const whole: World = {
    state: 'Running',
    tun: true,
    addresses: ['127.0.0.2'],
    certDomains: ['box.tail1234.ts.net'],
    devices: {},
    certificate: () => {
      throw new Error('no certificates');
    },
    permitCert: true,
    beforeWhois: () => {},
    ...world,
  };
  let server: Server | null = null;
  const start = async () => {
    server = createServer((request, response) => {
      requests.push(request.url ?? '');
      void answer(request, response, whole);
    });
    await new Promise<void>((done, failed) => {
      server?.once('error', failed);
      server?.listen(socket, done);
    });
  };
  const stop = async () => {
    const closed = new Promise((done) => server?.close(done));
    server?.closeAllConnections();
    await closed;
  };
  await start();
  return {
    socket,
    world: whole,
    requests,
    start,
    stop,
    async [Symbol.asyncDispose]() {
      if (server?.listening === true) await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, world: World): Promise<void> {
  const { headers } = request;
  const url = new URL(request.url ?? '/', 'http://local-tailscaled.sock');
  const say = (status: number, text: string, more: Readonly<Record<string, string>> = {}) => {
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...more });
    response.end(status === 200 ? text : `${text}\n`);
  };
  const isOurs = headers.host === '' || headers.host === 'local-tailscaled.sock';
  if (headers.referer !== undefined || headers.origin !== undefined || !isOurs) {
    return say(403, 'invalid localapi request');
  }
  response.setHeader('Tailscale-Version', '1.98.0-stand-in');
  response.setHeader('Tailscale-Cap', '131');
  const path = url.pathname.replace(/^\/localapi\/v0\//, '');
  if (path === 'status') return say(200, JSON.stringify(statusOf(world), null, '\t'), JSON_TYPE);
  if (path === 'whois') {
    await world.beforeWhois();
    return whois(url, world, say);
  }
  if (path.startsWith('cert/')) return certificate(url, decodeURIComponent(path.slice(5)), world, say);
  say(404, '404 page not found');
}

type Say = (status: number, text: string, more?: Readonly<Record<string, string>>) => void;

const JSON_TYPE = { 'content-type': 'application/json' };

function statusOf(world: World) {
  const running = world.state === 'Running';
  return {
    Version: '1.98.0-stand-in',
    TUN: world.tun,
    BackendState: world.state,
    AuthURL: '',
    TailscaleIPs: running ? world.addresses : null,
    Self: { DNSName: `${world.certDomains[0] ?? 'box.tail1234.ts.net'}.`, TailscaleIPs: world.addresses },
    Health: [],
    MagicDNSSuffix: 'tail1234.ts.net',
    CertDomains: running && world.certDomains.length > 0 ? world.certDomains : null,
    Peer: null,
    User: null,
  };
}

function whois(url: URL, world: World, say: Say): void {
  const address = url.searchParams.get('addr') ?? '';
  const device = world.devices[address];
  if (address === '') say(400, "missing 'addr' parameter");
  else if (!/^[0-9a-f.:]+$/i.test(address)) say(400, "invalid 'addr' parameter");
  else if (device === undefined) say(404, 'no match for IP:port');
  else say(200, JSON.stringify(whoisOf(address, device), null, '	'), JSON_TYPE);
}

function whoisOf(address: string, { login, name, picture, tags }: Device) {
  return {
    Node: { ID: 1, Name: 'peer.tail1234.ts.net.', User: 7, Addresses: [`${address}/32`], Tags: tags },
    UserProfile: { ID: 7, LoginName: login, DisplayName: name, ProfilePicURL: picture },
    CapMap: {},
  };
}

async function certificate(url: URL, name: string, world: World, say: Say): Promise<void> {
  if (!world.permitCert) return say(403, 'cert access denied');
  const validity = url.searchParams.get('min_validity') ?? '';
  const [, seconds] = /^(\d+)s$/.exec(validity) ?? [];
  if (validity !== '' && seconds === undefined) {
    return say(400, `invalid validity parameter: time: invalid duration "${validity}"`);
  }
  if (url.searchParams.get('type') !== 'pair') return say(400, 'this stand-in gives pairs only');
  if (world.certDomains.length === 0) {
    return say(500, 'your Tailscale account does not support getting TLS certs');
  }
  if (!world.certDomains.includes(name)) {
    return say(500, `invalid domain "${name}"; must be one of ["${world.certDomains.join('" "')}"]`);
  }
  try {
    say(200, await world.certificate(name, Number(seconds ?? 0) * 1000));
  } catch (error) {
    if (error instanceof StatusError) say(error.status, error.message, error.headers);
    else say(500, error instanceof Error ? error.message : String(error));
  }
}
