import { createHash } from 'node:crypto';
import type { CertificateStore, DocumentPath, DocumentStore } from '../certs/ports.ts';
import { RigilError } from '../errors.ts';
import { jsonOrNull } from '../platform/json.ts';
import type { AccountStore, StoredAccount } from './account-store.ts';
import { entries, fields, httpsUrl } from './untrusted.ts';

/** Accounts as documents of the store: `accounts/<host and path of the CA>/<hash>.json`, one each. */
export function accountDocuments(
  documents: DocumentStore,
  locks: Pick<CertificateStore, 'lock'>,
): AccountStore {
  const read = async (path: DocumentPath): Promise<StoredAccount[]> => {
    const document = await documents.readDocument(path);
    return document === null ? [] : [parse(document, documents.locateDocument(path))];
  };
  return {
    list: async (directory) => {
      const folder = folderOf(directory);
      const names = await documents.listDocuments(['accounts', folder]);
      const accounts = await Promise.all(names.map((name) => read(['accounts', folder, name])));
      return accounts.flat().filter((account) => account.directory === directory);
    },
    save: (account) => documents.writeDocument(pathOf(account), `${JSON.stringify(account, null, 2)}\n`),
    remove: (account) => documents.removeDocument(pathOf(account)),
    readStarts: async (account) => {
      const document = await documents.readDocument(startsOf(account));
      const starts = document === null ? [] : jsonOrNull(document.toString('utf8'));
      return entries(starts, MOST_STARTS).filter((at) => typeof at === 'number');
    },
    writeStarts: (account, starts) => documents.writeDocument(startsOf(account), JSON.stringify(starts)),
    lock: (key, signal) => locks.lock(key, signal),
  };
}

/** More than any CA counts. */
const MOST_STARTS = 10_000;

/** No directory has such a folder: theirs hold a path. */
function startsOf(account: string): DocumentPath {
  return ['accounts', 'orders', `${account}.json`];
}

function pathOf({ directory, email, eabKeyId }: StoredAccount): DocumentPath {
  const identity = JSON.stringify([directory, email, eabKeyId]);
  const hash = createHash('sha256').update(identity).digest('hex').slice(0, 16);
  return ['accounts', folderOf(directory), `${hash}.json`];
}

/** `https://acme.example:8443/v2/directory` → `acme.example_8443_v2_directory`. Not unique: a document names its directory. */
function folderOf(directory: string): string {
  const { host, pathname } = new URL(directory);
  return `${host}${pathname}`.replace(/[^A-Za-z0-9.-]+/g, '_').slice(0, 100);
}

function parse(document: Buffer, where: string): StoredAccount {
  const account = fields(jsonOrNull(document.toString('utf8')));
  const text = (name: string) => (typeof account[name] === 'string' ? account[name] : null);
  const directory = text('directory');
  const issuer = text('issuer');
  const key = text('key');
  if (directory === null || issuer === null || key === null) {
    // Never taken for absence: a new account would lose the limits, bindings and proofs of this one.
    throw new RigilError('store-unreadable', `${where} is not an ACME account`, {
      hint: 'restore it from a backup, or remove it to have a new account made',
    });
  }
  return {
    directory,
    issuer,
    key,
    email: text('email'),
    eabKeyId: text('eabKeyId'),
    nextKey: text('nextKey'),
    url: httpsUrl(account['url']),
    createdAt: typeof account['createdAt'] === 'number' ? account['createdAt'] : 0,
  };
}
