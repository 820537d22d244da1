import { startUpstream, type Upstream } from '../upstream.ts';

/** Between two pieces of `/slow`, in milliseconds. */
const PIECE_EVERY_MS = 50;

/** An upstream that says its name at once, and at `/slow` sends a little at a time without end. */
export function startSlowUpstream(name: string): Promise<Upstream> {
  return startUpstream(name, (request, response) => {
    if (request.url !== '/slow') {
      response.end(`${name}\n`);
      return;
    }
    const timer = setInterval(() => response.write(name), PIECE_EVERY_MS);
    response.on('close', () => clearInterval(timer));
  });
}
