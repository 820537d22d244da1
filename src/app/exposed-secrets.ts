import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { hasWrittenSecret } from '../config/written-secrets.ts';
import type { Emit } from '../events/bus.ts';

/** Where keys are, and which of the files there are keys. Those of certificates are looked at as they are read. */
const KEYS: readonly { readonly folder: string; readonly isKey: RegExp }[] = [
  { folder: 'accounts', isKey: /./ },
  { folder: 'authorities', isKey: /\.key$/ },
  { folder: 'orders', isKey: /./ },
  { folder: 'tickets', isKey: /./ },
];

/**
 * Tells of files with secrets that others than their owner may read, each with the line that mends it: account keys, keys of
 * orders in flight, roots of local CAs, and the configuration if a secret is written in it. What cannot be looked at is left to those who need it.
 */
export async function tellExposedSecrets(config: Config, emit: Emit): Promise<void> {
  const { store } = config.global;
  if (store.kind === 'file') {
    for (const { folder, isKey } of KEYS) {
      const entries = await readdir(join(store.dir, folder), { recursive: true, withFileTypes: true }).catch(
        () => [],
      );
      for (const entry of entries) {
        if (!entry.isFile() || !isKey.test(entry.name)) continue;
        const path = join(entry.parentPath, entry.name);
        const mode = await modeOf(path);
        if ((mode & 0o077) !== 0) tell(emit, path, mode, `chmod 600 ${path}`);
      }
    }
  }
  // Its group may be that of the daemon.
  const mode = await modeOf(config.file);
  if ((mode & 0o007) === 0) return;
  const text = await readFile(config.file, 'utf8').catch(() => '');
  if (!hasWrittenSecret(config, text)) return;
  tell(emit, config.file, mode, `chmod 640 ${config.file}, or move the secret into a variable`);
}

function tell(emit: Emit, path: string, mode: number, hint: string): void {
  const message = `${path}: others may read the secrets in it (mode ${(mode & 0o777).toString(8)})`;
  emit({ event: 'store.problem', code: 'store-exposed', message, hint });
}

async function modeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.mode ?? 0;
}
