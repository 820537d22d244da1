import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CertificateManager } from '../../src/certs/manager.ts';
import type { RunResult } from '../../src/certs/run.ts';
import type { Event } from '../../src/events/event.ts';
import { InternalCa } from '../../src/internal-ca/internal-ca.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { FileStore } from '../../src/store/file-store.ts';

const program = join(import.meta.dirname, 'programs', 'obtain.ts');
let directory: string;
let events: Event[];
let manager: CertificateManager;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rigil-processes-'));
  events = [];
  const tools = { clock: systemClock, random: systemRandom, emit: (event: Event) => void events.push(event) };
  const store = new FileStore({ directory, ...tools });
  const ca = new InternalCa({
    name: 'internal',
    keyType: 'p256',
    documents: store.documents,
    locks: store,
    ...tools,
  });
  manager = new CertificateManager({ store, publish: () => {}, ...tools });
  await manager.load();
  manager.setWanted(
    [{ id: 'shop.test', names: ['shop.test'], issuers: ['internal'] }],
    new Map([['internal', ca]]),
  );
});
afterEach(async () => {
  await manager.stop();
  await rm(directory, { recursive: true });
});

async function run(): Promise<RunResult> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, directory, 'shop.test']);
  return JSON.parse(stdout) as RunResult;
}

async function until(holds: () => boolean): Promise<number> {
  const begin = performance.now();
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
  return performance.now() - begin;
}

const fingerprint = (): string | undefined => manager.certificates.get('shop.test')?.facts.fingerprint;

describe('a daemon and a command that share a store', () => {
  it('have the same certificate seconds after the command renewed it', async () => {
    manager.start();
    await until(() => fingerprint() !== undefined);
    const before = fingerprint();
    expect(await run()).toMatchObject({ renewed: [{ id: 'shop.test' }], failed: [] });
    await until(() => fingerprint() !== before);
    expect(events.at(-1)).toMatchObject({ event: 'certificate.adopted', id: 'shop.test' });
    expect(await readdir(join(directory, 'certs', 'internal', 'shop.test'))).toHaveLength(3);
  });

  it('do not stand in each other’s way when the command is killed in the middle', async () => {
    const child = spawn(process.execPath, [program, directory, 'shop.test', 'hang'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    manager.start();
    // What the dead one noted before it ordered makes the next attempt wait; a person does not have to.
    const result = await manager.run({ ids: ['shop.test'] });
    expect(result).toMatchObject({ failed: [{ code: 'issuance-interrupted' }] });
    await manager.run({ ids: ['shop.test'], force: true });
    expect(fingerprint()).toBeDefined();
  });
});
