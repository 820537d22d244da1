import type { Cluster, Redis, RedisOptions } from 'ioredis';
import type { Clock } from '../../platform/clock.ts';
import { answerWord } from './failure.ts';
import type { RedisServer } from './server.ts';

/** A client of the library: to one server, or to a cluster. */
export type Client = Redis | Cluster;

/** Longest time for one command, in milliseconds. */
const COMMAND_MS = 5_000;
const CONNECT_MS = 3_000;
/** Longest pause between two attempts to connect, in milliseconds. */
const LONGEST_PAUSE_MS = 2_000;
/** Not more often than this a connection is made anew because it leads to a replica: it may be the only one there is. */
const REPLICA_AGAIN_MS = 60_000;

/**
 * A client that is not connected yet. It fails at once while there is no connection, and goes on connecting until it is
 * told to end: who uses it decides what to do meanwhile. The library is loaded when the first client is made.
 */
export async function makeClient(server: RedisServer, clock: Clock): Promise<Client> {
  const { Cluster, Redis } = await import('ioredis');
  const options = optionsFor(server, clock);
  const pause = (times: number) => Math.min(50 * 2 ** Math.min(times, 10), LONGEST_PAUSE_MS);
  if (server.mode === 'cluster') {
    return new Cluster([...server.hosts], {
      redisOptions: options,
      lazyConnect: true,
      enableOfflineQueue: false,
      clusterRetryStrategy: pause,
      slotsRefreshTimeout: CONNECT_MS,
      retryDelayOnFailover: 200,
    });
  }
  const connection = {
    ...options,
    lazyConnect: true,
    enableOfflineQueue: false,
    retryStrategy: pause,
    // Whoever listens subscribes after every connect; the library would do so too, and nobody would catch its failure.
    autoResubscribe: false,
  };
  if (server.mode === 'sentinel') {
    return new Redis({
      ...connection,
      sentinels: [...server.hosts],
      name: server.master ?? '',
      sentinelRetryStrategy: pause,
      sentinelCommandTimeout: CONNECT_MS,
      // Only the sentinel that has just answered is listened to: of others that are dead the library tells on stderr.
      sentinelMaxConnections: 1,
      failoverDetector: true,
      ...(server.tls ? { enableTLSForSentinelMode: true, sentinelTLS: options.tls ?? {} } : {}),
      ...(server.sentinelPassword === null ? {} : { sentinelPassword: server.sentinelPassword }),
    });
  }
  const [{ host, port } = { host: 'localhost', port: 6_379 }] = server.hosts;
  return new Redis({ ...connection, host, port });
}

function optionsFor({ mode, user, password, database, tls, roots }: RedisServer, clock: Clock) {
  let madeAnewAt = Number.NEGATIVE_INFINITY;
  return {
    protocol: 2 as const,
    connectionName: 'rigil',
    disableClientInfo: true,
    commandTimeout: COMMAND_MS,
    connectTimeout: CONNECT_MS,
    // What was sent over a connection that broke may have been done: whoever asked decides whether to ask again.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // After a failover the connection may lead to what is a replica now.
    reconnectOnError: (error: Error) => {
      if (answerWord(error) !== 'READONLY' || clock.now() - madeAnewAt < REPLICA_AGAIN_MS) return false;
      madeAnewAt = clock.now();
      return true;
    },
    ...(user === null ? {} : { username: user }),
    ...(password === null ? {} : { password }),
    ...(mode === 'cluster' ? {} : { db: database }),
    ...(tls ? { tls: roots === null ? {} : { ca: roots } } : {}),
  } satisfies RedisOptions;
}
