import type { StoreConfig } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { RigilError } from '../errors.ts';

/**
 * A store as an argument of a command: what would stand behind `store` in a configuration, or only a folder or the URL of
 * a Redis. `${NAME}` is replaced from the environment, so that no password has to be on the command line.
 *
 * @param defaults words that are added to a URL of Redis unless it has such
 * @throws RigilError `usage` with what is wrong with it
 */
export async function storeArgument(text: string, defaults: readonly string[] = []): Promise<StoreConfig> {
  const words = /^\s*(file|redis)\s/i.test(text)
    ? text
    : /^\s*rediss?(\+\w+)?:\/\//i.test(text)
      ? `redis ${text}`
      : `file ${JSON.stringify(text)}`;
  const added = defaults.filter((word) => !words.includes(` ${word.split('=')[0]}=`));
  const line = /^\s*redis\s/i.test(words) ? [words, ...added].join(' ') : words;
  const { config, diagnostics } = await loadConfig({
    text: `global\n  store ${line}\n`,
    name: 'the argument',
    env: process.env,
    mode: 'daemon',
    baseDir: process.cwd(),
  });
  const problem = diagnostics.find(({ severity }) => severity === 'error');
  if (config !== null && problem === undefined) return config.global.store;
  throw new RigilError('usage', `this is no store: ${problem?.message ?? 'it cannot be read'}`, {
    hint: problem?.hint ?? "write a folder, or 'redis://host prefix=NAME seal=env:KEYS' in quotes",
  });
}
