import net from 'node:net';
import tls from 'node:tls';
import { onTestFinished } from 'vitest';

export interface RawResponse {
  readonly status: number;
  /** Lines of the head, without the status line. */
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  /** The first value of a field, or null. */
  field(name: string): string | null;
}

/** A client that sends exactly the bytes it is told, and reads HTTP/1.1 responses or bytes. */
export class RawClient {
  readonly socket: net.Socket;
  closed = false;
  #buffer = '';
  #wake: () => void = () => {};

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#buffer += text;
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('end', () => {
      this.closed = true;
      this.#wake();
    });
    socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  send(text: string | Buffer): this {
    this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
    return this;
  }

  /** Takes everything up to and with `end`; null when the connection ended before it. */
  async readUntil(end: string): Promise<string | null> {
    while (!this.#buffer.includes(end)) if (!(await this.#more())) return null;
    return this.#take(this.#buffer.indexOf(end) + end.length);
  }

  /** Takes `length` bytes; fewer when the connection ended before. */
  async read(length: number): Promise<string> {
    while (this.#buffer.length < length) if (!(await this.#more())) break;
    return this.#take(length);
  }

  /** Takes all there is until the connection ends. */
  async readToEnd(): Promise<string> {
    while (await this.#more());
    return this.#take(this.#buffer.length);
  }

  /** Takes one response; `method` is that of its request. */
  async response(method = 'GET'): Promise<RawResponse> {
    const head = await this.readUntil('\r\n\r\n');
    if (head === null) throw new Error(`no response, only ${JSON.stringify(this.#buffer)}`);
    const [statusLine = '', ...fields] = head.trimEnd().split('\r\n');
    const status = Number(statusLine.split(' ')[1]);
    const field = (name: string) =>
      fields
        .find((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
        ?.replace(/^[^:]*: ?/, '') ?? null;
    const bodiless = method === 'HEAD' || status < 200 || status === 204 || status === 304;
    if (bodiless) return { status, fields, field, body: '', trailers: [] };
    if (field('transfer-encoding') === 'chunked')
      return { status, fields, field, ...(await this.#chunked()) };
    const length = field('content-length');
    const body = length === null ? await this.readToEnd() : await this.read(Number(length));
    return { status, fields, field, body, trailers: [] };
  }

  async #chunked(): Promise<{ body: string; trailers: string[] }> {
    let body = '';
    for (;;) {
      const size = await this.readUntil('\r\n');
      if (size === null) throw new Error('the chunked body is not complete');
      const length = Number.parseInt(size, 16);
      if (length === 0) break;
      body += await this.read(length);
      await this.read(2);
    }
    const trailers: string[] = [];
    for (;;) {
      const line = await this.readUntil('\r\n');
      if (line === null) throw new Error('the chunked body is not complete');
      if (line === '\r\n') return { body, trailers };
      trailers.push(line.trimEnd());
    }
  }

  #take(length: number): string {
    const taken = this.#buffer.slice(0, length);
    this.#buffer = this.#buffer.slice(length);
    return taken;
  }

  async #more(): Promise<boolean> {
    if (this.closed) return false;
    const before = this.#buffer.length;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    return this.#buffer.length > before || !this.closed;
  }
}

/** A TLS connection to 127.0.0.1 that speaks HTTP/1.1. */
export async function connectTls(port: number, options: tls.ConnectionOptions = {}): Promise<RawClient> {
  const socket = tls.connect({
    host: '127.0.0.1',
    port,
    servername: 'example.test',
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
    ...options,
  });
  onTestFinished(() => void socket.destroy());
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  return new RawClient(socket);
}

/** A plain connection to 127.0.0.1. */
export async function connectPlain(
  port: number,
  options: Partial<net.TcpNetConnectOpts> = {},
): Promise<RawClient> {
  const socket = net.connect({ host: '127.0.0.1', port, ...options });
  onTestFinished(() => void socket.destroy());
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return new RawClient(socket);
}
