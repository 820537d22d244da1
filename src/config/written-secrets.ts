import type { Config } from './config.ts';
import { masked } from './mask.ts';

/** Whether a secret of the configuration stands in `text` itself, and not only in a variable that it names. */
export function hasWrittenSecret(config: Config, text: string): boolean {
  return hidden(config, masked(config)).some((secret) => text.includes(secret));
}

/** The texts that are in `whole` and that `shown` does not show. Of a URL it is the password. */
function hidden(whole: unknown, shown: unknown): readonly string[] {
  if (typeof whole === 'string') {
    if (whole === shown || whole === '') return [];
    const password = URL.parse(whole)?.password ?? '';
    return [password === '' ? whole : password];
  }
  if (typeof whole !== 'object' || whole === null || typeof shown !== 'object' || shown === null) return [];
  const masks = new Map(Object.entries(shown));
  return Object.entries(whole).flatMap(([key, value]) => hidden(value, masks.get(key)));
}
