import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { has } from '../peers.ts';
import { type Daemon, runProgram, startDaemon } from './daemon.ts';
import { startUpstream, type Upstream } from './upstream.ts';

const GIB = 1_073_741_824;
/** What a worker may grow by while a gibibyte passes: far below the gibibyte, far above noise. */
const GROWTH_BYTES = 200 * 1_048_576;

describe.skipIf(!has('curl'))('a body of 1 GiB', () => {
  let daemon: Daemon;
  let upstream: Upstream;

  beforeAll(async () => {
    upstream = await startUpstream('big', (request, response) => {
      if (request.method === 'GET') {
        const chunk = Buffer.alloc(1_048_576, 'x');
        let left = GIB / chunk.length;
        const more = () => {
          while (left > 0) {
            left -= 1;
            if (!response.write(chunk)) return void response.once('drain', more);
          }
          response.end();
        };
        more();
        return;
      }
      let size = 0;
      request.on('data', (data) => {
        size += data.length;
      });
      request.on('end', () => response.end(String(size)));
    });
    daemon = await startDaemon(`route one.localhost\n  upstream ${upstream.address}\n`, { workers: 1 });
  });
  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
    await upstream?.[Symbol.asyncDispose]();
  });

  it.each(['--http1.1', '--http2'])(
    'comes down with flat memory (%s)',
    async (version) => {
      const { result, grown } = await watched(() =>
        curl(version, '-o', '/dev/null', '-w', '%{size_download}'),
      );
      expect(result.stdout).toBe(String(GIB));
      expect(grown).toBeLessThan(GROWTH_BYTES);
    },
    120_000,
  );

  it.each(['--http1.1', '--http2'])(
    'goes up with flat memory (%s)',
    async (version) => {
      const { result, grown } = await watched(() =>
        runProgram('sh', [
          '-c',
          `head -c ${GIB} /dev/zero | exec curl "$@"`,
          'sh',
          ...args(version, '-X', 'POST', '-H', 'Expect:', '-T', '-'),
        ]),
      );
      expect(result.stdout).toBe(String(GIB));
      expect(grown).toBeLessThan(GROWTH_BYTES);
    },
    120_000,
  );

  const args = (...more: string[]) => [
    '-sS',
    '--cacert',
    daemon.root,
    '--resolve',
    `*:${daemon.ports.https}:127.0.0.1`,
    ...more,
    `https://one.localhost:${daemon.ports.https}/`,
  ];
  const curl = (...more: string[]) => runProgram('curl', args(...more));

  /** How much the worker's resident memory grew at most while `work` ran. */
  async function watched<Result>(work: () => Promise<Result>): Promise<{ result: Result; grown: number }> {
    const pid = (await daemon.status()).workers[0]?.pid ?? -1;
    const before = resident(pid);
    let most = before;
    const timer = setInterval(() => {
      most = Math.max(most, resident(pid));
    }, 50);
    const result = await work();
    clearInterval(timer);
    return { result, grown: most - before };
  }
});

/** Resident memory of a process in bytes. */
function resident(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096;
}
