import { readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Instant } from '../platform/clock.ts';
import { UNFINISHED } from './atomic-write.ts';

/** Unfinished files of this age belong to nobody any more, in milliseconds. */
const ABANDONED_AFTER_MS = 3_600_000;

/** Certificates are not among them: who stores one cleans up beside it, under its lock. */
const SWEPT = ['accounts', 'authorities', 'challenges', 'journal', 'locks', 'ocsp', 'orders', 'routes'];

/** Removes the unfinished files that crashes left behind. Never fails: nothing of it is in anybody's way. */
export async function sweep(directory: string, now: Instant): Promise<void> {
  for (const folder of SWEPT) {
    for (const name of await readdir(join(directory, folder), { recursive: true }).catch(() => [])) {
      if (!basename(name).startsWith(UNFINISHED)) continue;
      const path = join(directory, folder, name);
      const touched = (await stat(path).catch(() => null))?.mtimeMs ?? now;
      if (now - touched > ABANDONED_AFTER_MS) await rm(path, { force: true }).catch(() => {});
    }
  }
}
