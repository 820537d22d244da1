// Saves a certificate, and kills itself right before one of the operations that change the file system: between two of
// them it makes no difference when a process dies.
// Arguments: the directory of the store, a file with the certificate as JSON, the number of the operation.
import { readFileSync } from 'node:fs';
import type { Certificate } from '../../../src/certs/certificate.ts';
import { lockKeyOf } from '../../../src/certs/ports.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { FileStore } from '../../../src/store/file-store.ts';
import { SpyFileSystem } from '../spy-file-system.ts';

const [directory = '', file = '', last = ''] = process.argv.slice(2);
const certificate = JSON.parse(readFileSync(file, 'utf8')) as Certificate;
const CHANGES = ['open wx', 'file.writeFile', 'mkdir', 'rename', 'rm', 'symlink', 'unlink'];
let changes = 0;
const spy = new SpyFileSystem(({ name }) => {
  if (!CHANGES.includes(name)) return;
  changes += 1;
  if (changes === Number(last)) process.kill(process.pid, 'SIGKILL');
});
const store = new FileStore({ directory, clock: systemClock, emit: () => {}, fileSystem: spy.fileSystem });
const lock = await store.lock(lockKeyOf(certificate.facts.id), new AbortController().signal);
await store.save(certificate, lock);
await lock.release();
