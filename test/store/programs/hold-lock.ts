// Takes the lock on a certificate, says so, waits for a line on its input, saves, and says how that ended.
// Arguments: the directory of the store, a file with the certificate as JSON.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Certificate } from '../../../src/certs/certificate.ts';
import { lockKeyOf } from '../../../src/certs/ports.ts';
import { codeOf } from '../../../src/errors.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { FileStore } from '../../../src/store/file-store.ts';

const [directory = '', file = ''] = process.argv.slice(2);
const certificate = JSON.parse(readFileSync(file, 'utf8')) as Certificate;
const store = new FileStore({ directory, clock: systemClock, emit: () => {} });
const lock = await store.lock(lockKeyOf(certificate.facts.id), new AbortController().signal);
console.log('locked');
for await (const _ of createInterface(process.stdin)) break;
try {
  await store.save(certificate, lock);
  console.log('saved');
} catch (error) {
  console.log(codeOf(error));
}
await lock.release();
process.exit();
