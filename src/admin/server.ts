import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { type BindAddress, type BoundSocket, bind } from '../platform/bind.ts';
import { metricsText } from './metrics.ts';
import { CONTENT_SECURITY_POLICY, statusPage } from './page.ts';
import { type StatusSource, troubles } from './status.ts';
import { isWelcome } from './welcome.ts';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const TEXT = 'text/plain; charset=utf-8';
const MOST_HEADER_BYTES = 8_192;
const MOST_CONNECTIONS = 200;

/**
 * The admin endpoint: `/` for people, `/api/status`, `/healthz` and `/metrics` for programs. It only shows; nothing can
 * be changed through it. It runs in the control process, so that whoever asks costs the workers nothing.
 */
export class AdminServer {
  readonly #server: Server;
  readonly #source: StatusSource;
  readonly #peers: () => readonly string[];
  #address: BindAddress | null = null;

  /** @param peers CIDR blocks that are answered besides this machine, whenever they are asked for */
  constructor(source: StatusSource, peers: () => readonly string[] = () => []) {
    this.#source = source;
    this.#peers = peers;
    this.#server = createServer(
      {
        headersTimeout: 5_000,
        requestTimeout: 10_000,
        keepAliveTimeout: 5_000,
        maxHeaderSize: MOST_HEADER_BYTES,
      },
      (request, response) => {
        void this.#respond(request, response);
      },
    );
    this.#server.maxConnections = MOST_CONNECTIONS;
  }

  /**
   * @param socket default: one that is bound here, and closed in the end
   * @throws RigilError `address-in-use`, `address-forbidden`, `address-unusable`
   */
  async listen(address: BindAddress, socket?: BoundSocket): Promise<void> {
    this.#address = address;
    const bound = socket ?? (await bind(address));
    await bound.listen(this.#server);
    this.#server.on('error', () => {});
    if (socket === undefined) this.#server.once('close', () => bound.close());
  }

  /** The port that it got, or null. */
  get port(): number | null {
    const address = this.#server.address();
    return typeof address === 'object' ? (address?.port ?? null) : null;
  }

  /** Accepts nothing any more; what runs is answered. */
  finish(): void {
    this.#server.close();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await this.#answer(request).catch(
      (error: unknown): Answer => ({ status: 500, type: TEXT, body: `${String(error)}\n` }),
    );
    response.writeHead(answer.status, {
      'content-type': answer.type,
      'content-length': Buffer.byteLength(answer.body),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      ...answer.headers,
    });
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    if (this.#address?.kind !== 'unix' && !isWelcome(request.socket, this.#peers())) {
      return {
        status: 403,
        type: TEXT,
        body: 'this endpoint answers its own machine only; the `admin` directive can name others: admin ADDR CIDR\u2026\n',
      };
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return { status: 405, type: TEXT, body: 'only GET and HEAD\n', headers: { allow: 'GET, HEAD' } };
    }
    if (!this.#isOurName(request.headers.host ?? '')) {
      return {
        status: 403,
        type: TEXT,
        body: 'this endpoint answers to an IP address, to localhost and to the host of the `admin` directive only, so that no web page can make a browser read it\n',
      };
    }
    switch ((request.url ?? '/').split('?')[0]) {
      case '/':
        return {
          status: 200,
          type: 'text/html; charset=utf-8',
          body: statusPage(await this.#source.status()),
          headers: { 'content-security-policy': CONTENT_SECURITY_POLICY, 'x-frame-options': 'DENY' },
        };
      case '/api/status':
        return {
          status: 200,
          type: 'application/json',
          body: `${JSON.stringify(await this.#source.status(), null, 2)}\n`,
        };
      case '/healthz': {
        const problems = troubles(await this.#source.status());
        return problems.length === 0
          ? { status: 200, type: TEXT, body: 'ok\n' }
          : { status: 503, type: TEXT, body: `${problems.join('\n')}\n` };
      }
      case '/metrics':
        return {
          status: 200,
          type: 'text/plain; version=0.0.4; charset=utf-8',
          body: metricsText(await this.#source.figures()),
        };
      default:
        return { status: 404, type: TEXT, body: 'there are /, /api/status, /healthz and /metrics\n' };
    }
  }

  /**
   * A name of somebody else's that points here (DNS rebinding) would let a web page read what is shown. No browser
   * reaches a unix socket.
   */
  #isOurName(host: string): boolean {
    if (this.#address?.kind === 'unix') return true;
    const name = host
      .toLowerCase()
      .replace(/:\d+$/, '')
      .replace(/^\[(.*)\]$/, '$1')
      .replace(/\.$/, '');
    if (isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost')) return true;
    return this.#address?.kind === 'tcp' && name === this.#address.host?.toLowerCase();
  }
}
