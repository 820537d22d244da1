// Obtains a certificate of the local CA, as a command does, and prints what the run brought.
// Arguments: the directory of the store, the name, and `hang` to die in the middle: it says `ordered` and goes on for ever.
import { CertificateManager } from '../../../src/certs/manager.ts';
import type { Issuer } from '../../../src/certs/ports.ts';
import { InternalCa } from '../../../src/internal-ca/internal-ca.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { systemRandom } from '../../../src/platform/random.ts';
import { FileStore } from '../../../src/store/file-store.ts';

const [directory = '', name = '', mode = ''] = process.argv.slice(2);
const tools = { clock: systemClock, random: systemRandom, emit: () => {} };
const store = new FileStore({ directory, ...tools });
const ca: Issuer = new InternalCa({
  name: 'internal',
  keyType: 'p256',
  documents: store.documents,
  locks: store,
  ...tools,
});
const hanging: Issuer = {
  name: 'internal',
  issue: () => {
    console.log('ordered');
    return new Promise(() => {});
  },
};
const manager = new CertificateManager({ store, ...tools });
await manager.load();
const issuers = new Map([['internal', mode === 'hang' ? hanging : ca]]);
manager.setWanted([{ id: name, names: [name], issuers: ['internal'] }], issuers);
console.log(JSON.stringify(await manager.run({ ids: [name], force: true })));
