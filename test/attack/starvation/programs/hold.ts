import tls from 'node:tls';

/*
 * Opens TLS connections and keeps them: `node hold.ts PORT COUNT SOURCE`. Each asks something now and then, as a browser
 * with an open page does. Says `held` when all are there, `lost N` when some are not any more, and ends with stdin.
 */
const [port = 0, count = 0] = process.argv.slice(2).map(Number);
const source = process.argv[4] ?? '127.0.0.1';
const REQUEST = 'GET / HTTP/1.1\r\nHost: example.test\r\n\r\n';
const AT_A_TIME = 50;
const ASK_EVERY_MS = 20_000;

const held = new Set<tls.TLSSocket>();
let failed = 0;

/** Resolves when the connection has had its first answer, or is lost. */
function open(): Promise<void> {
  return new Promise((resolve) => {
    const options = {
      host: '127.0.0.1',
      port,
      localAddress: source,
      servername: 'example.test',
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
    };
    const socket = tls.connect(options);
    socket.once('secureConnect', () => socket.write(REQUEST));
    socket.once('data', () => {
      held.add(socket);
      resolve();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (!held.delete(socket)) failed += 1;
      resolve();
    });
  });
}

let started = 0;
async function openSome(): Promise<void> {
  while (started < count) {
    started += 1;
    await open();
  }
}

const again = setInterval(() => {
  for (const socket of held) socket.write(REQUEST);
}, ASK_EVERY_MS);
await Promise.all(Array.from({ length: AT_A_TIME }, openSome));
process.stdout.write(held.size === count ? 'held\n' : `lost ${count - held.size} ${failed}\n`);
process.stdin.resume();
process.stdin.on('end', () => {
  clearInterval(again);
  for (const socket of held) socket.destroy();
});
