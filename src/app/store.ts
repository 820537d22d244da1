import type { Config } from '../config/config.ts';
import { RigilError } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import type { Clock } from '../platform/clock.ts';
import { FileStore } from '../store/file-store.ts';

/**
 * The store that a configuration names. Nothing is read or made before it is used.
 *
 * @throws RigilError `config-invalid` for a kind of store that this version does not have
 */
export function openStore(config: Config, tools: { readonly clock: Clock; readonly emit: Emit }): FileStore {
  const { store } = config.global;
  if (store.kind === 'file') return new FileStore({ directory: store.dir, ...tools });
  throw new RigilError('config-invalid', 'this version keeps certificates in files only', {
    hint: 'write `store file DIR` in the global section',
  });
}
