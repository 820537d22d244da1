import { Agent as PlainAgent, request as plainRequest } from 'node:http';
import { Agent, request as tlsRequest } from 'node:https';
import { getCACertificates } from 'node:tls';

/** One HTTP request to an API, whole in memory. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** `http:` or `https:`, without credentials in it. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** A Unix socket to ask instead of the host of `url`, which is only named in `Host`. */
  readonly socketPath?: string;
  /** PEM roots to trust besides the built-in ones, for a private server. */
  readonly ca?: string;
  /** Where connections are kept for the next request, with a trust of its own. Default: none is kept. */
  readonly agent?: Agent;
  /** Environment whose `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` hold, where there is no `agent`. Default: no proxy. */
  readonly proxyEnv?: Readonly<Record<string, string | undefined>>;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case; repeated ones joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Sends one request and reads the whole answer. Follows no redirect: a request that carries a secret goes where it was
 * told to go or nowhere.
 *
 * @throws the system's error when the connection fails, an `AbortError` when `signal` aborts, `ERESPONSESIZE` when
 *   the body is larger than {@link LARGEST_BODY}
 */
export type HttpExchange = (request: HttpRequest, signal: AbortSignal) => Promise<HttpResponse>;

/** In bytes. The answers of an API are a few KiB; more is a mistake or an attack. */
export const LARGEST_BODY = 1024 * 1024;

export const systemHttp: HttpExchange = (request, signal) =>
  new Promise((resolve, reject) => {
    const secure = request.url.startsWith('https:');
    const body = Buffer.from(request.body ?? '');
    const options = {
      method: request.method,
      signal,
      headers: {
        'user-agent': 'rigil',
        ...request.headers,
        ...(request.body === undefined ? {} : { 'content-length': String(body.length) }),
      },
      ...(request.ca === undefined ? {} : { ca: [...getCACertificates('default'), request.ca] }),
      ...(request.socketPath === undefined ? {} : { socketPath: request.socketPath }),
      ...agentOption(request, secure),
    };
    const outgoing = (secure ? tlsRequest : plainRequest)(request.url, options, (incoming) => {
      const chunks: Buffer[] = [];
      let size = 0;
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > LARGEST_BODY) {
          incoming.destroy(
            Object.assign(new Error('the response is larger than 1 MiB'), { code: 'ERESPONSESIZE' }),
          );
          return;
        }
        chunks.push(chunk);
      });
      incoming.on('error', reject);
      incoming.on('end', () => {
        const headers = Object.fromEntries(
          Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
        );
        resolve({ status: incoming.statusCode ?? 0, headers, body: Buffer.concat(chunks).toString('utf8') });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });

function agentOption({ agent, proxyEnv }: HttpRequest, secure: boolean): { readonly agent?: PlainAgent } {
  if (agent !== undefined) return { agent };
  if (proxyEnv === undefined) return {};
  return { agent: secure ? new Agent({ proxyEnv }) : new PlainAgent({ proxyEnv }) };
}
