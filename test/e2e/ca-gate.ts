import { createServer, type IncomingMessage, request } from 'node:http';

/** What stands between a CA and the answers to http-01, so that a test decides when the CA gets to see them. */
export interface CaGate extends AsyncDisposable {
  /** Questions that wait, each counted once: a CA may ask several times. */
  readonly waiting: number;
  /** Lets all questions through, those that wait and those that come. */
  open(): void;
}

/**
 * A gate on `port`, closed, in front of what answers on `target`; both on 127.0.0.1.
 *
 * @param options.keepsAnswers gets the answers at once and keeps them, so that whoever gave them may die meanwhile
 */
export async function startCaGate(
  port: number,
  target: number,
  { keepsAnswers = false } = {},
): Promise<CaGate> {
  const opened = Promise.withResolvers<void>();
  const waiting = new Set<string | undefined>();
  const server = createServer(async (question, response) => {
    const ask = (): Promise<IncomingMessage> =>
      new Promise((resolve, reject) => {
        const { headers, url } = question;
        request({ port: target, host: '127.0.0.1', path: url, headers }, resolve).on('error', reject).end();
      });
    try {
      const kept = keepsAnswers ? await ask() : null;
      waiting.add(question.url);
      await opened.promise;
      const answer = kept ?? (await ask());
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    } catch {
      response.destroy();
    }
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    get waiting() {
      return waiting.size;
    },
    open: opened.resolve,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
