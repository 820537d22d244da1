import { bindListeners } from '../../../../src/app/workers/listener-set.ts';
import { WorkerPool } from '../../../../src/app/workers/worker-pool.ts';
import { systemClock } from '../../../../src/platform/clock.ts';
import { Publisher } from '../../../../src/snapshot/publisher.ts';
import { snapshotFor } from '../snapshot.ts';

/**
 * A control process with two workers in front of the upstream whose port is the argument; tells its parent of them. With a
 * second argument it never gets ready.
 */
const publisher = new Publisher(await snapshotFor(Number(process.argv[2])));
const pool = new WorkerPool({ publisher, clock: systemClock, emit: () => {} });
const listeners = await bindListeners({ https: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }], http: [] });
await pool.run(listeners, 2, { requestsMs: 0, streamsMs: 0 });
if (process.argv[3] !== 'not ready') pool.outlive();
process.send?.({ port: listeners[0]?.port, pids: pool.status().map(({ pid }) => pid) });
