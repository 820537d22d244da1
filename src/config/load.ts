import { closeSync, openSync, readSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { messageOf, RigilError, systemCodeOf } from '../errors.ts';
import type { Config } from './config.ts';
import { Problems } from './diagnostics.ts';
import { LARGEST_FILE, type Parsed, parseConfig, reportTooLarge } from './parse.ts';
import { fileReader } from './read-file.ts';
import { decode } from './text/decode.ts';
import type { Environment, Mode } from './text/settings-word.ts';

/** Of a file that is read at a time, in bytes. */
const PIECE = 65_536;

/** What to read (`-` is standard input), and what its variables mean. */
export type LoadOptions = (
  | { readonly file: string }
  | { readonly text: string | Uint8Array; readonly name: string }
) & {
  readonly env: Environment;
  readonly mode: Mode;
  /** See `ParseOptions`. */
  readonly needed?: readonly string[];
  /** Relative paths begin here. Default: the folder of the file, for a text the current one. */
  readonly baseDir?: string;
  /** The text holds routes only; the other settings are taken from here. */
  readonly settings?: Pick<Config, 'global' | 'issuers'>;
};

/**
 * Reads and checks a configuration. `config` is null if and only if `diagnostics` has an error.
 *
 * @throws RigilError `config-unreadable` when the file cannot be read at all
 */
export async function loadConfig(options: LoadOptions): Promise<Parsed> {
  const { env, mode, needed = [], settings } = options;
  const { file, content, folder } = await contentOf(options);
  const baseDir = resolve(options.baseDir ?? folder);
  const readFile = fileReader();
  const common = {
    file,
    env,
    mode,
    needed,
    baseDir,
    readFile,
    ...(settings === undefined ? {} : { settings }),
  };
  if (typeof content === 'string') return parseConfig(content, common);
  if (content.length > LARGEST_FILE) {
    const problems = new Problems(file);
    reportTooLarge(problems);
    return { config: null, diagnostics: problems.sorted() };
  }
  const { text, damage } = decode(content);
  return parseConfig(text, { ...common, damage });
}

async function contentOf(options: LoadOptions) {
  if ('text' in options) return { file: options.name, content: options.text, folder: '.' };
  const { file } = options;
  if (file === '-') return { file: '<stdin>', content: await readAll(process.stdin), folder: '.' };
  return { file, content: readConfigFile(file), folder: dirname(file) };
}

/** What a stream holds, or its beginning when that is more than a configuration may have. */
async function readAll(stream: AsyncIterable<Buffer>): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Not readFile: a pipe or a device has no size, and may never end.
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > LARGEST_FILE) break;
  }
  return Buffer.concat(chunks, size);
}

/**
 * Without the thread pool, through which all other files are read: it may be full of keys that are being made, or of a
 * store that hangs, and a reload is not to wait for these.
 */
function readConfigFile(file: string): Uint8Array {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(file, 'r');
    return readDescriptor(descriptor);
  } catch (error) {
    throw unreadable(file, error);
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

/** Like {@link readAll}. */
function readDescriptor(descriptor: number): Uint8Array {
  const chunks: Buffer[] = [];
  let size = 0;
  while (size <= LARGEST_FILE) {
    const chunk = Buffer.allocUnsafe(PIECE);
    const length = readSync(descriptor, chunk);
    if (length === 0) break;
    chunks.push(chunk.subarray(0, length));
    size += length;
  }
  return Buffer.concat(chunks, size);
}

/** What `error`, with which opening or reading `file` failed, means for people. */
export function unreadable(file: string, error: unknown): RigilError {
  const failed = (message: string, hint?: string) =>
    new RigilError('config-unreadable', message, { hint, cause: error });
  switch (systemCodeOf(error)) {
    case 'ENOENT':
      return failed(`there is no file ${file}`, 'name the configuration with -c FILE or RIGIL_CONFIG');
    case 'ENOTDIR':
      return failed(`there is no file ${file}: a part of the path is not a folder`);
    case 'EACCES':
    case 'EPERM':
      return failed(
        `${file} may not be read by the user that runs rigil`,
        `look at it with: namei -l ${file}`,
      );
    case 'EISDIR':
      return failed(`${file} is a folder`, `name a file, such as ${file.replace(/\/*$/, '')}/rigil.conf`);
    default:
      return failed(`${file} cannot be read: ${messageOf(error)}`);
  }
}
