// Preloaded into the program by a test (`NODE_OPTIONS=--import`), never part of it: makes the keys of certificates on
// the thread that serves, which is what rigil must never do. So a test can see that it would notice.
import { generateKeyPairSync } from 'node:crypto';

/** For each certificate, at least; in milliseconds. */
const workMs = Number(process.env['RIGIL_TEST_WORK_MS'] ?? 1_500);
/** After so many the point is made. */
const MOST = 3;

if (/\bproxy\/worker\.js$/.test(process.argv[1] ?? '')) {
  // What is held already comes with the start.
  let seen = -1;
  process.on('message', (message: { readonly patch?: { readonly certificates?: unknown } }) => {
    if (message.patch?.certificates === undefined) return;
    seen++;
    if (seen < 1 || seen > MOST) return;
    const end = performance.now() + workMs;
    while (performance.now() < end) generateKeyPairSync('rsa', { modulusLength: 4096 });
  });
}
