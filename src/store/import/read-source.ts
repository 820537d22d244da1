import { basename, dirname, join } from 'node:path';
import { RigilError } from '../../errors.ts';
import { acmeShServer } from './acme-sh.ts';
import { readCentauriAccount, readCentauriCertificates } from './centauri.ts';
import { certbotServer } from './certbot.ts';
import { type FileSourceKind, type Found, NOTHING, type Origin, together } from './found.ts';
import { pairPem, type SourceFile } from './pem-pairs.ts';
import { foldersIn, kindOf, listSource, readIfSmall, readSource } from './source-folder.ts';
import { readTraefik } from './traefik.ts';

/** In bytes. Chains and keys are a few KiB. */
const LARGEST_PEM = 1024 * 1024;

/**
 * Reads all certificates and accounts that a program keeps at `path`. Nothing is written there.
 *
 * @param kind null = guessed
 * @throws RigilError `target-unreadable`
 */
export async function readImportSource(
  path: string,
  kind: FileSourceKind | null,
): Promise<{ readonly kind: FileSourceKind; readonly found: Found }> {
  const what = await kindOf(path);
  if (what === null) throw new RigilError('target-unreadable', `there is no ${path}`);
  const known = kind ?? (what === 'folder' ? await guessFolder(path) : await guessFile(path));
  return { kind: known, found: await read(path, known, what === 'folder') };
}

function read(path: string, kind: FileSourceKind, isFolder: boolean): Promise<Found> {
  switch (kind) {
    case 'centauri':
      return readCentauri(isFolder ? path : dirname(path), isFolder ? 'certs.json' : basename(path));
    case 'traefik':
      return readWhole(isFolder ? join(path, 'acme.json') : path, readTraefik);
    case 'certbot':
      return readCertbot(path);
    case 'acme.sh':
      return readAcmeSh(path);
    case 'pem':
      return isFolder ? readPemFolders(path) : readPemFile(path);
    default:
      return kind satisfies never;
  }
}

async function guessFolder(path: string): Promise<FileSourceKind> {
  const names = new Set(await listSource(path));
  if (names.has('certs.json')) return 'centauri';
  if (names.has('acme.json')) return 'traefik';
  if (names.has('renewal') && names.has('live')) return 'certbot';
  if (names.has('account.conf') || names.has('fullchain.cer')) return 'acme.sh';
  return 'pem';
}

async function guessFile(path: string): Promise<FileSourceKind> {
  const text = ((await readSource(path)) ?? '').trimStart();
  if (text.startsWith('[')) return 'centauri';
  if (text.startsWith('{')) return 'traefik';
  if (text.includes('-----BEGIN ')) return 'pem';
  throw new RigilError('target-unreadable', `${path} is nothing that certificates are known to be kept in`, {
    hint: 'say what it is with --from centauri, certbot, acme.sh, traefik or pem',
  });
}

async function readCentauri(folder: string, file: string): Promise<Found> {
  const found = await readWhole(join(folder, file), readCentauriCertificates);
  const place = join(folder, 'user.pem');
  const user = await readSource(place, LARGEST_PEM);
  const account = user === null ? null : readCentauriAccount(user, place);
  return { ...found, accounts: account === null ? [] : [account] };
}

async function readWhole(path: string, parse: (text: string, place: string) => Found): Promise<Found> {
  const text = await readSource(path);
  if (text === null) throw new RigilError('target-unreadable', `there is no ${path}`);
  return parse(text, path);
}

/** `/etc/letsencrypt`: the files in force are in `live/NAME`, and `renewal/NAME.conf` says where they came from. */
async function readCertbot(path: string): Promise<Found> {
  const lineages = await foldersIn(join(path, 'live'));
  const finds = lineages.map(async (folder) => {
    const renewal = await readSource(join(path, 'renewal', `${basename(folder)}.conf`), LARGEST_PEM);
    return readPemFolder(folder, {
      kind: 'acme',
      directory: renewal === null ? null : certbotServer(renewal),
    });
  });
  return together(await Promise.all(finds));
}

/** `~/.acme.sh`, or one certificate's folder in it: `NAME/NAME.conf` beside key and chain. */
async function readAcmeSh(path: string): Promise<Found> {
  const finds = [path, ...(await foldersIn(path))].map(async (folder) => {
    const name = basename(folder).replace(/_ecc$/, '');
    const config = await readSource(join(folder, `${name}.conf`), LARGEST_PEM);
    return config === null
      ? NOTHING
      : readPemFolder(folder, { kind: 'acme', directory: acmeShServer(config) });
  });
  return together(await Promise.all(finds));
}

/** A folder of PEM files, and its folders. */
async function readPemFolders(path: string): Promise<Found> {
  const folders = [path, ...(await foldersIn(path))];
  return together(await Promise.all(folders.map((folder) => readPemFolder(folder, { kind: 'unknown' }))));
}

/** One file with a certificate; its key may be in another file beside it. */
async function readPemFile(path: string): Promise<Found> {
  const origin = { kind: 'unknown' } as const;
  const file = { path, text: (await readSource(path, LARGEST_PEM)) ?? '' };
  const alone = pairPem([file], origin);
  if (alone.certificates.length > 0) return alone;
  const keys = (await pemFiles(dirname(path))).filter(({ text }) => /BEGIN [A-Z ]*PRIVATE KEY/.test(text));
  const { certificates, unusable } = pairPem([file, ...keys.filter((each) => each.path !== path)], origin);
  const mine = unusable.filter(({ place }) => place === path);
  if (certificates.length === 0 && mine.length === 0) {
    throw new RigilError('target-unreadable', `there is no PEM certificate in ${path}`);
  }
  return { certificates: certificates.filter(({ place }) => place === path), accounts: [], unusable: mine };
}

async function readPemFolder(folder: string, origin: Origin): Promise<Found> {
  return pairPem(await pemFiles(folder), origin);
}

/** The files of a folder that hold PEM. What is too large for that, or no file, is none of them. */
async function pemFiles(folder: string): Promise<readonly SourceFile[]> {
  const paths = ((await listSource(folder)) ?? []).map((name) => join(folder, name));
  const files: SourceFile[] = [];
  for (const path of paths) {
    const text = await readIfSmall(path, LARGEST_PEM);
    if (text?.includes('-----BEGIN ') === true) files.push({ path, text });
  }
  return files;
}
