import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { find, has, peer } from '../../peers.ts';
import { route, startProxy } from '../fixture.ts';
import { httpUpstream } from '../upstream-servers.ts';

const run = promisify(execFile);

async function setUp() {
  const upstream = await httpUpstream((request, response) => {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on('end', () => {
      const large = request.url === '/large';
      response.end(large ? Buffer.alloc(500_000, 'x') : `${request.method} ${bytes} ${'x'.repeat(200)}`);
    });
  });
  return startProxy({ routes: [route(upstream, { names: ['localhost', '127.0.0.1'] })] });
}

/** It comes from no Debian package: where there is a Go, `.ci/run` builds it. */
const h2spec = find('h2spec');

describe.skipIf(h2spec === null)('h2spec', () => {
  it('has nothing to say', async () => {
    const proxy = await setUp();
    const args = ['-h', 'localhost', '-p', String(proxy.port), '-t', '-k', '-o', '20'];
    const { stdout } = await run(h2spec ?? '', args).catch((error: { readonly stdout: string }) => error);
    expect(stdout.split('Failures:')[1] ?? 'none').toBe('none');
    expect(stdout).toContain('145 tests, 145 passed, 0 skipped, 0 failed');
    expect(proxy.events).toEqual([]);
  }, 120_000);
});

describe.skipIf(!has('nghttp'))('nghttp2', () => {
  it('gets what it asks for, by its own account of the frames', async () => {
    const proxy = await setUp();
    const url = `https://127.0.0.1:${proxy.port}`;
    const { stdout } = await run(peer('nghttp'), ['-vny', '-m', '20', `${url}/a`, `${url}/large`]);
    expect(stdout.match(/:status: 200/g)).toHaveLength(40);
    expect(stdout).not.toMatch(/RST_STREAM|error_code=(?!NO_ERROR)/);
  });

  it('sends bodies with trailers', async () => {
    const proxy = await setUp();
    const args = [
      '-y',
      '-d',
      import.meta.filename,
      '--trailer',
      'x-sum: 1',
      `https://127.0.0.1:${proxy.port}/`,
    ];
    const { stdout } = await run(peer('nghttp'), args);
    expect(stdout).toMatch(/^POST [1-9][0-9]{2,} xxx/);
  });

  it('loads it without a failure', async () => {
    const proxy = await setUp();
    const url = `https://127.0.0.1:${proxy.port}/`;
    const { stdout } = await run(peer('h2load'), ['-n', '2000', '-c', '8', '-m', '20', url]);
    expect(stdout).toContain('2000 total, 2000 started, 2000 done, 2000 succeeded, 0 failed, 0 errored');
  });
});
