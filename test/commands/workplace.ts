import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Finished, freePorts, rigil } from '../e2e/daemon.ts';

/** A folder with a configuration and a store, and the program to run on them. */
export interface Workplace extends Disposable {
  readonly folder: string;
  readonly store: string;
  readonly configFile: string;
  /** Writes a configuration: a `global` section, then `text`. */
  configure(text: string): void;
  run(...args: string[]): Promise<Finished>;
  /** Runs with `--json` and takes stdout apart. */
  json<Result = Record<string, unknown>>(...args: string[]): Promise<Finished & { readonly value: Result }>;
}

/** Makes a workplace whose listeners are at `ports`, by default at free ones. */
export async function workplace(
  text: string,
  ports: { readonly http?: number; readonly https?: number } = {},
): Promise<Workplace> {
  const folder = mkdtempSync(join(tmpdir(), 'rigil-commands-'));
  const [http = 0, https = 0, admin = 0] = await freePorts(3);
  const store = join(folder, 'store');
  const configFile = join(folder, 'rigil.conf');
  const configure = (routes: string): void =>
    writeFileSync(
      configFile,
      `global
  http 127.0.0.1:${ports.http ?? http}
  https 127.0.0.1:${ports.https ?? https}
  admin 127.0.0.1:${admin}
  store file ${store}
${routes}`,
    );
  configure(text);
  const run = (...args: string[]): Promise<Finished> => rigil([...args, '-c', configFile]);
  return {
    folder,
    store,
    configFile,
    configure,
    run,
    async json(...args) {
      const finished = await run(...args, '--json');
      return { ...finished, value: JSON.parse(finished.stdout) };
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
