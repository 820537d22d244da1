import { request } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import type { Daemon, LogLine } from '../daemon.ts';

const PATIENCE_MS = 20_000;

/** What a client got. */
export interface Got {
  readonly status: number;
  readonly body: string;
}

/** One request on a connection of its own. */
export function get(daemon: Daemon, name: string, roots: readonly string[]): Promise<Got> {
  return new Promise((resolve, reject) => {
    const { https: port } = daemon.ports;
    const asked = request(
      { host: '127.0.0.1', port, servername: name, headers: { host: name }, ca: [...roots], agent: false },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text) => {
          body += text;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: body.trim() }));
      },
    );
    asked.on('error', reject);
    asked.end();
  });
}

/**
 * Reloads `text` and asks `name` until `upstream` answers. Resolves with how long that took, in milliseconds, and how
 * much work on certificates was under way when it was done.
 */
export async function reloadAndSee(
  daemon: Daemon,
  text: string,
  {
    name,
    upstream,
    roots,
  }: { readonly name: string; readonly upstream: string; readonly roots: readonly string[] },
): Promise<{ readonly ms: number; readonly flights: number }> {
  daemon.configure(text);
  const started = performance.now();
  const line = daemon.reload();
  let refusal: LogLine | null = null;
  line.then(
    (loaded) => {
      if (loaded.event !== 'config.loaded') refusal = loaded;
    },
    () => {},
  );
  while ((await get(daemon, name, roots)).body !== upstream) {
    if (refusal !== null) throw new Error(`the reload was refused: ${JSON.stringify(refusal)}`);
    if (performance.now() - started > PATIENCE_MS) throw new Error('the reload took no effect');
    await delay(5);
  }
  const ms = performance.now() - started;
  await line;
  return { ms, flights: (await daemon.status()).work.length };
}
