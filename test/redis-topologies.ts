import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { peer } from './peers.ts';
import { privateCa } from './private-ca.ts';
import { freePort, type RedisUnderTest, startRedis } from './redis.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

/** A server that also takes TLS, at `tlsPort`. */
export interface TlsRedis extends AsyncDisposable {
  readonly redis: RedisUnderTest;
  readonly tlsPort: number;
  /** PEM file of the roots that its certificate is from. */
  readonly caFile: string;
  /** The same, of another CA. */
  readonly otherCaFile: string;
  readonly root: string;
}

/** Starts a server with a certificate for `localhost` and for nothing else. */
export async function startTlsRedis(args: readonly string[] = []): Promise<TlsRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'rigil-redis-tls-'));
  const ca = await privateCa('Redis CA');
  const { cert, key } = await ca.issue(['localhost']);
  const files = { 'ca.pem': ca.root, 'other.pem': (await privateCa('Another CA')).root, cert, key };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const tlsPort = await freePort();
  const redis = await startRedis([
    ...['--tls-port', String(tlsPort), '--tls-auth-clients', 'no'],
    ...['--tls-cert-file', join(folder, 'cert'), '--tls-key-file', join(folder, 'key')],
    ...['--tls-ca-cert-file', join(folder, 'ca.pem')],
    ...args,
  ]);
  return {
    redis,
    tlsPort,
    caFile: join(folder, 'ca.pem'),
    otherCaFile: join(folder, 'other.pem'),
    root: ca.root,
    async [Symbol.asyncDispose]() {
      await redis.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A master, a replica that follows it over a wire, and a sentinel that watches both. */
export interface SentinelSet extends AsyncDisposable {
  readonly master: RedisUnderTest;
  readonly replica: RedisUnderTest;
  /** Between the replica and its master. */
  readonly wire: TcpProxy;
  readonly sentinelPort: number;
  readonly url: string;
  /** Resolves when the replica has everything that the master has. */
  inStep(): Promise<void>;
  /** Resolves when the sentinel names the replica as the master. */
  promoted(): Promise<void>;
  /** Makes the sentinel fail over now, and waits until it has. */
  failOver(): Promise<void>;
}

export const SENTINEL_PASSWORD = 's3ntinel';
export const MASTER_NAME = 'mymaster';

/** Starts the three; the sentinel wants a password, and takes a master for dead after a second. */
export async function startSentinelSet(): Promise<SentinelSet> {
  const args = ['--appendonly', 'yes', '--repl-diskless-sync-delay', '0', '--repl-timeout', '3600'];
  const master = await startRedis(args);
  const wire = await startTcpProxy(master.port);
  const replica = await startRedis(args);
  await replica.client.call('REPLICAOF', '127.0.0.1', String(wire.port));
  const inStep = () =>
    until('the replica to be in step', async () => {
      const [ours, theirs] = [await offset(master), await offset(replica)];
      return (await replica.client.info('replication')).includes('master_link_status:up') && ours === theirs;
    });
  await inStep();
  const folder = await mkdtemp(join(tmpdir(), 'rigil-sentinel-'));
  const sentinelPort = await freePort();
  await writeFile(
    join(folder, 'sentinel.conf'),
    [
      `port ${sentinelPort}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      `requirepass ${SENTINEL_PASSWORD}`,
      `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${master.port} 1`,
      `sentinel down-after-milliseconds ${MASTER_NAME} 1000`,
      `sentinel failover-timeout ${MASTER_NAME} 5000`,
      '',
    ].join('\n'),
  );
  const sentinel = spawn(peer('redis-server'), [join(folder, 'sentinel.conf'), '--sentinel'], {
    stdio: 'ignore',
  });
  const { Redis } = await import('ioredis');
  const asked = new Redis({ port: sentinelPort, host: '127.0.0.1', password: SENTINEL_PASSWORD });
  asked.on('error', () => {});
  await until('the sentinel to know the replica', async () => {
    const known = await asked.call('SENTINEL', 'replicas', MASTER_NAME).catch(() => []);
    return JSON.stringify(known).includes('master-link-status","ok');
  });
  const isPromoted = async (): Promise<boolean> => {
    const address = await asked.call('SENTINEL', 'get-master-addr-by-name', MASTER_NAME);
    return Array.isArray(address) && Number(address[1]) === replica.port;
  };
  return {
    master,
    replica,
    wire,
    sentinelPort,
    url: `redis+sentinel://127.0.0.1:${sentinelPort}/${MASTER_NAME}`,
    inStep,
    promoted: () => until('another master', isPromoted),
    failOver: () =>
      until('a failover', async () => {
        // On a busy machine it may be broken off, or refused for a moment.
        await asked.call('SENTINEL', 'FAILOVER', MASTER_NAME).catch(() => {});
        for (let tries = 0; tries < 40; tries += 1) {
          if (await isPromoted()) return true;
          await delay(50);
        }
        return false;
      }),
    async [Symbol.asyncDispose]() {
      asked.disconnect();
      await ended(sentinel);
      await Promise.all([master.close(), replica.close(), wire[Symbol.asyncDispose]()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Masters of a cluster, each known by an address that is not its own, as behind a translation of addresses. */
export interface RedisCluster extends AsyncDisposable {
  readonly nodes: readonly RedisUnderTest[];
  /** The announced ports, in the order of the nodes. */
  readonly ports: readonly number[];
  readonly url: string;
}

/** Starts a cluster of `count` masters without replicas. */
export async function startCluster(count = 3, args: readonly string[] = []): Promise<RedisCluster> {
  const nodes: RedisUnderTest[] = [];
  const wires: TcpProxy[] = [];
  for (let index = 0; index < count; index += 1) {
    // Nothing is announced that is not known yet: the wire needs the port of the node.
    const busPort = await freePort();
    const node = await startRedis([
      ...['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', '--cluster-port', String(busPort)],
      ...args,
    ]);
    const wire = await startTcpProxy(node.port);
    await node.client.config('SET', 'cluster-announce-ip', '127.0.0.1');
    await node.client.config('SET', 'cluster-announce-port', String(wire.port));
    await node.client.config('SET', 'cluster-announce-bus-port', String(busPort));
    const [from, to] = [index, index + 1].map((at) => Math.floor((16_384 * at) / count));
    await node.client.call('CLUSTER', 'ADDSLOTSRANGE', String(from), String((to ?? 0) - 1));
    nodes.push(node);
    wires.push(wire);
    // The first one introduces the others.
    if (index > 0) {
      await nodes[0]?.client.call('CLUSTER', 'MEET', '127.0.0.1', String(node.port), String(busPort));
    }
  }
  await until('the cluster to be whole', async () => {
    const states = await Promise.all(nodes.map(({ client }) => client.call('CLUSTER', 'INFO')));
    return states.every(
      (text) =>
        String(text).includes('cluster_state:ok') && String(text).includes(`cluster_known_nodes:${count}`),
    );
  });
  // A node that was met at its own port is known by it until it says otherwise.
  await until('all to know the announced ports', async () => {
    const slots = await Promise.all(nodes.map(({ client }) => client.call('CLUSTER', 'SLOTS')));
    return slots.every((each) => wires.every(({ port }) => JSON.stringify(each).includes(`,${port},`)));
  });
  const ports = wires.map(({ port }) => port);
  return {
    nodes,
    ports,
    url: `redis+cluster://${ports.map((port) => `127.0.0.1:${port}`).join(',')}`,
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node.close()));
      await Promise.all(wires.map((wire) => wire[Symbol.asyncDispose]()));
    },
  };
}

async function offset(redis: RedisUnderTest): Promise<string | undefined> {
  const info = await redis.client.info('replication');
  const field = info.includes('role:master') ? 'master_repl_offset' : 'slave_repl_offset';
  return new RegExp(`^${field}:(\\d+)`, 'm').exec(info)?.[1];
}

async function until(what: string, is: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1_200; tries += 1) {
    if (await is()) return;
    await delay(25);
  }
  throw new Error(`waited in vain for ${what}`);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}
