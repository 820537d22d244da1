import { createConnection, createServer, type Server, type Socket } from 'node:net';

/** A wire on loopback that a test can cut. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** `open`: passes everything. `cut`: ends all connections and takes none. `hole`: takes everything, passes nothing. */
  set(state: 'open' | 'cut' | 'hole'): void;
}

/** A wire to `target` on 127.0.0.1. */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  let state: 'open' | 'cut' | 'hole' = 'open';
  const pairs = new Set<readonly [Socket, Socket]>();
  const server: Server = createServer((client) => {
    const upstream = createConnection({ port: target, host: '127.0.0.1' });
    const pair = [client, upstream] as const;
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    for (const [from, to] of [pair, [upstream, client] as const]) {
      from.on('data', (data) => {
        if (state === 'open') to.write(data);
      });
      from.on('error', end);
      from.on('close', end);
    }
    if (state === 'cut') end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const end = () => {
    for (const [client, upstream] of pairs) {
      client.destroy();
      upstream.destroy();
    }
  };
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    set(next) {
      // What was swallowed makes a connection useless.
      if (next === 'cut' || state === 'hole') end();
      state = next;
    },
    async [Symbol.asyncDispose]() {
      end();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
