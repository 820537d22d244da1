import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from '../../e2e/daemon.ts';
import { peer } from '../../peers.ts';
import { OK } from '../../proxy/upstream-servers.ts';
import { type ReadRequest, readRequests } from './read-requests.ts';

/** Another proxy in front of upstreams that record. */
export interface PeerProxy extends AsyncDisposable {
  /** Sends bytes; resolves with the requests that the upstream saw until the peer hung up. */
  ask(bytes: string): Promise<readonly ReadRequest[]>;
}

export type PeerName = 'nginx' | 'haproxy';

/** Some cases end with the peer's patience: many are asked at a time, each with ports of its own. */
const LANES = 32;

/** Configured to pass on what it gets with as few opinions of its own as it can have. */
const CONFIGURATIONS: Readonly<Record<PeerName, (folder: string, lanes: readonly Lane[]) => string>> = {
  nginx: (folder, lanes) => `daemon off; worker_processes 1; pid ${folder}/pid;
error_log ${folder}/error.log; events {}
http {
  access_log off; merge_slashes off; large_client_header_buffers 4 16k; lingering_close off;
  client_header_timeout 1s; client_body_timeout 1s; keepalive_timeout 250ms;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  proxy_http_version 1.1; proxy_set_header Host $http_host; proxy_set_header Connection "";
  ${lanes.map(({ port, upstream }) => `server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${upstream}; } }`).join('\n  ')}
}`,
  haproxy: (_, lanes) => `global
  log /dev/null local0
defaults
  mode http
  timeout connect 5s
  timeout server 5s
  timeout client 1s
  timeout http-request 1s
  timeout http-keep-alive 250ms
${lanes.map(({ port, upstream }) => `listen lane-${port}\n  bind 127.0.0.1:${port}\n  option http-server-close\n  server one 127.0.0.1:${upstream}\n`).join('')}`,
};

interface Lane {
  readonly port: number;
  readonly upstream: number;
}

export async function startPeer(name: PeerName): Promise<PeerProxy> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), `rigil-${name}-`));
  fs.chmodSync(folder, 0o755);
  const ports = await freePorts(LANES * 2);
  const lanes = Array.from({ length: LANES }, (_, at) => ({
    port: ports[at * 2] ?? 0,
    upstream: ports[at * 2 + 1] ?? 0,
    recorder: new Recorder(),
  }));
  await Promise.all(lanes.map(({ upstream, recorder }) => recorder.listen(upstream)));
  const file = path.join(folder, 'configuration');
  fs.writeFileSync(file, CONFIGURATIONS[name](folder, lanes));
  const args = name === 'nginx' ? ['-c', file, '-p', folder] : ['-db', '-f', file];
  const child = spawn(peer(name), args, { stdio: 'ignore' });
  for (const { port } of lanes) while (!(await reachable(port))) await delay(20);
  const free = [...lanes];
  const waiting: ((lane: (typeof lanes)[number]) => void)[] = [];
  return {
    async ask(bytes) {
      const lane =
        free.pop() ?? (await new Promise<(typeof lanes)[number]>((resolve) => waiting.push(resolve)));
      lane.recorder.forget();
      await exchange(lane.port, bytes);
      const { requests } = lane.recorder;
      const next = waiting.shift();
      if (next === undefined) free.push(lane);
      else next(lane);
      return requests;
    },
    async [Symbol.asyncDispose]() {
      await end(child);
      for (const { recorder } of lanes) recorder.close();
      fs.rmSync(folder, { recursive: true });
    },
  };
}

class Recorder {
  readonly #server = net.createServer((socket) => this.#take(socket));
  #connections: { text: string }[] = [];

  listen(port: number): Promise<void> {
    return new Promise((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
  }

  get requests(): readonly ReadRequest[] {
    return this.#connections.flatMap(({ text }) => readRequests(text).requests);
  }

  forget(): void {
    this.#connections = [];
  }

  close(): void {
    this.#server.close();
  }

  #take(socket: net.Socket): void {
    const connection = { text: '' };
    this.#connections.push(connection);
    let answered = 0;
    socket.on('error', () => {});
    socket.on('data', (data) => {
      connection.text += data.toString('latin1');
      const { requests } = readRequests(connection.text);
      for (const { method } of requests.slice(answered)) {
        socket.write(method === 'HEAD' ? OK.slice(0, -2) : OK);
      }
      answered = requests.length;
    });
  }
}

function exchange(port: number, bytes: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1' });
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.resume();
    socket.write(Buffer.from(bytes, 'latin1'));
  });
}

function reachable(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

async function end(child: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill();
  await exited;
}
