import { Agent, get } from 'node:https';
import type { Daemon } from './daemon.ts';

/** What became of the requests: how many by status, or by the code of the error. */
export type Outcomes = Readonly<Record<string, number>>;

export interface Load extends AsyncDisposable {
  /** So far. */
  readonly outcomes: Outcomes;
  /** Lets the running requests end. */
  stop(): Promise<Outcomes>;
}

/**
 * Clients that ask for `/` again and again, one request after the other each: `fresh` ones over a new connection for
 * each request, `kept` ones over one that is kept alive. A request that fails is not sent again.
 */
export function startLoad(
  { ports }: Pick<Daemon, 'ports'>,
  { fresh, kept, name = 'one.localhost' }: { fresh: number; kept: number; name?: string },
): Load {
  const outcomes: Record<string, number> = {};
  let stopped = false;
  const client = async (agent: Agent | false) => {
    while (!stopped) {
      const outcome = await ask(ports.https, name, agent);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
    if (agent !== false) agent.destroy();
  };
  const clients = Promise.all([
    ...Array.from({ length: fresh }, () => client(false)),
    ...Array.from({ length: kept }, () => client(new Agent({ keepAlive: true, maxSockets: 1 }))),
  ]);
  const stop = async () => {
    stopped = true;
    await clients;
    return outcomes;
  };
  return { outcomes, stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}

/** One request: its status, or the code of the error. */
function ask(port: number, name: string, agent: Agent | false): Promise<string> {
  return new Promise((resolve) => {
    const request = get(
      {
        host: '127.0.0.1',
        port,
        servername: name,
        rejectUnauthorized: false,
        agent,
        timeout: 30_000,
        headers: { host: name, ...(agent === false ? { connection: 'close' } : {}) },
      },
      (response) => {
        response.resume();
        response.on('error', (error) => resolve(codeOf(error)));
        response.on('end', () => resolve(String(response.statusCode)));
      },
    );
    request.on('timeout', () => request.destroy(Object.assign(new Error('timeout'), { code: 'TIMEOUT' })));
    request.on('error', (error) => resolve(codeOf(error)));
  });
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : error.message;
}
