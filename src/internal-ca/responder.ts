import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type BindAddress, type BoundSocket, bind } from '../platform/bind.ts';
import { refuse } from './ocsp-response.ts';

/** Who knows the answers. */
export interface AnswerSource {
  /** DER of the response to the DER of a request; never rejects. */
  answer(request: Uint8Array): Promise<Uint8Array>;
  /** DER of the root, or null when there is none yet. */
  rootCertificate(): Promise<Uint8Array | null>;
}

/** Path of the root's certificate: who has a leaf finds its issuer there. No request in base64 begins like this. */
export const ROOT_PATH = '/root.crt';

/** A request about twenty certificates has some 2 000 bytes. */
const LARGEST_REQUEST = 8_192;
const MOST_HEADER_BYTES = 12_288;
const MOST_CONNECTIONS = 200;
/** How long a cache may keep an answer, in seconds. Short beside its life: a revocation should get about. */
const CACHE_S = 3_600;
const OCSP_TYPE = 'application/ocsp-response';

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The OCSP responder of a local CA: plain HTTP, GET and POST (RFC 6960 appendix A), in the control process. */
export class Responder {
  readonly #server: Server;
  readonly #source: () => AnswerSource | null;

  /** @param source whose answers to give now; null = nobody is responsible at the moment */
  constructor(source: () => AnswerSource | null) {
    this.#source = source;
    this.#server = createServer(
      {
        headersTimeout: 5_000,
        requestTimeout: 10_000,
        keepAliveTimeout: 5_000,
        maxHeaderSize: MOST_HEADER_BYTES,
      },
      (request, response) => void this.#respond(request, response),
    );
    this.#server.maxConnections = MOST_CONNECTIONS;
  }

  /**
   * @param socket default: one that is bound here, and closed in the end
   * @throws RigilError `address-in-use`, `address-forbidden`, `address-unusable`
   */
  async listen(address: BindAddress, socket?: BoundSocket): Promise<void> {
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
    const { status, type, body, headers } = await this.#replyTo(request).catch(
      (): Reply => ({ status: 400, type: 'text/plain', body: 'the request was cut short\n' }),
    );
    if (response.destroyed) return;
    response.writeHead(status, {
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      // What follows a request that was not read to its end is no request.
      ...(request.complete ? {} : { connection: 'close' }),
      ...headers,
    });
    response.end(body);
  }

  async #replyTo(request: IncomingMessage): Promise<Reply> {
    const source = this.#source();
    switch (request.method) {
      case 'POST': {
        const body = await readBody(request);
        if (body === null) return { status: 413, type: 'text/plain', body: 'that is no OCSP request\n' };
        return this.#answer(source, body, {});
      }
      case 'GET': {
        if (request.url === ROOT_PATH) return rootReply(await source?.rootCertificate());
        const der = requestInPath(request.url ?? '');
        if (der === null) return { status: 404, type: 'text/plain', body: `OCSP, and ${ROOT_PATH}\n` };
        return this.#answer(source, der, { 'cache-control': `max-age=${CACHE_S}, public` });
      }
      default:
        return { status: 405, type: 'text/plain', body: 'GET or POST\n', headers: { allow: 'GET, POST' } };
    }
  }

  async #answer(
    source: AnswerSource | null,
    request: Uint8Array,
    headers: Readonly<Record<string, string>>,
  ): Promise<Reply> {
    const body = (await source?.answer(request)) ?? refuse('tryLater');
    // A refusal is a few bytes long, and holds for this moment only.
    return { status: 200, type: OCSP_TYPE, body, ...(body.length > 16 ? { headers } : {}) };
  }
}

/** The DER after the first slash: base64, its `/`, `+` and `=` escaped or not. Null = there is nothing. */
function requestInPath(url: string): Uint8Array | null {
  try {
    const der = Buffer.from(decodeURIComponent(url.slice(1)), 'base64');
    return der.length === 0 ? null : der;
  } catch {
    return null;
  }
}

/** Null = it is too large. */
async function readBody(request: IncomingMessage): Promise<Uint8Array | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > LARGEST_REQUEST) return null;
  }
  return Buffer.concat(chunks);
}

function rootReply(root: Uint8Array | null | undefined): Reply {
  if (root == null) return { status: 404, type: 'text/plain', body: 'there is no root yet\n' };
  return { status: 200, type: 'application/pkix-cert', body: root };
}
