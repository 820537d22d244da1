#!/usr/bin/env node
// `npm start`: rigil in front of two small upstreams, with certificates of its own local CA, all on this machine.
// Everything it keeps is in the folder .demo; Ctrl-C ends it all.
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = dirname(dirname(fileURLToPath(import.meta.url)));
const store = join(project, '.demo');
const configFile = join(store, 'rigil.conf');

const shop = await upstream((request) => `Hello from the shop. You asked for ${request.url}\n`);
const api = await upstream(
  (request) => `${JSON.stringify({ from: 'api', headers: request.headers }, null, 2)}\n`,
);

mkdirSync(store, { recursive: true, mode: 0o700 });
const config = `global
  https 127.0.0.1:8443
  http 127.0.0.1:8080
  admin 127.0.0.1:9180
  workers 1

route localhost shop.localhost
  upstream 127.0.0.1:${shop}

route api.localhost
  upstream 127.0.0.1:${api}
  header add X-Served-By rigil
`;
writeFileSync(configFile, config);

const rigil = spawn(process.execPath, [join(project, 'bin/run.js'), 'serve', '-c', configFile], {
  env: { ...process.env, STATE_DIRECTORY: store },
  stdio: ['inherit', 'inherit', 'inherit'],
});
rigil.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 0)));
// In a terminal Ctrl-C reaches rigil by itself; a second signal would mean "at once".
process.on('SIGINT', () => process.stdin.isTTY || rigil.kill('SIGINT'));
process.on('SIGTERM', () => rigil.kill('SIGTERM'));

if (await answers()) {
  const root = relative(process.cwd(), join(store, 'authorities/internal/root.pem'));
  process.stdout.write(`
rigil serves this configuration (${relative(process.cwd(), configFile)}):

${config.replace(/^/gm, '    ')}
Open   https://localhost:8443/       the shop (your browser does not know the local CA yet)
       https://api.localhost:8443/   the api
       http://localhost:8080/        redirects to HTTPS
       http://127.0.0.1:9180/        status page

Try    curl --cacert ${root} https://localhost:8443/

Ctrl-C ends it all.
`);
}

/** Starts a server that answers with `body(request)` and returns its port. */
async function upstream(body) {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'text/plain; charset=utf-8');
    response.end(body(request));
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return server.address().port;
}

/** Whether rigil says within 30 seconds that all is well. */
async function answers() {
  for (const end = Date.now() + 30_000; Date.now() < end && rigil.exitCode === null; ) {
    const health = await fetch('http://127.0.0.1:9180/healthz').catch(() => null);
    if (health?.ok) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}
