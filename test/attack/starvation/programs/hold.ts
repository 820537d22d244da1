import http2 from 'node:http2';
import tls from 'node:tls';

/*
 * Opens TLS connections and keeps them: `node hold.ts PORT COUNT SOURCE [HOST [PROTOCOL [GROUPS]]]`. Each asks something
 * now and then, as a browser with an open page does, over `http/1.1` or `h2`. Groups are those of the key exchange. Says
 * `held` when all are there, `lost N` when some are not any more, and ends with stdin.
 */
const [port = 0, count = 0] = process.argv.slice(2).map(Number);
const [source = '127.0.0.1', host = 'example.test', protocol = 'http/1.1', groups] = process.argv.slice(4);
const AT_A_TIME = 50;
const ASK_EVERY_MS = 20_000;
/** As browsers send them. */
const HEADERS = {
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'accept-language': 'en-US,en;q=0.5',
  'accept-encoding': 'gzip, deflate, br, zstd',
  cookie: 'session=0123456789abcdef0123456789abcdef; theme=dark; consent=yes',
  'upgrade-insecure-requests': '1',
  'sec-fetch-dest': 'document',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-site': 'same-origin',
};
const REQUEST = [
  'GET / HTTP/1.1',
  `host: ${host}`,
  ...Object.entries(HEADERS).map(([name, value]) => `${name}: ${value}`),
  '\r\n',
].join('\r\n');

/** A connection that asks when it is told to; `answered` and `lost` say what comes of it. */
interface Held {
  ask(): void;
  destroy(): void;
}
type Open = (socket: tls.TLSSocket, answered: () => void, lost: () => void) => Held;

const openHttp1: Open = (socket, answered, lost) => {
  socket.on('data', answered);
  socket.on('close', lost);
  return { ask: () => socket.write(REQUEST), destroy: () => socket.destroy() };
};

const openHttp2: Open = (socket, answered, lost) => {
  const session = http2.connect(`https://${host}`, { createConnection: () => socket });
  session.on('error', () => {});
  session.on('close', lost);
  const ask = () => {
    const stream = session.request({ ':path': '/', ...HEADERS });
    stream.on('error', () => {});
    stream.on('end', answered);
    stream.resume();
  };
  return { ask, destroy: () => session.destroy() };
};

const held = new Set<Held>();
let failed = 0;

/** Resolves when the connection has had its first answer, or is lost. */
function open(): Promise<void> {
  return new Promise((resolve) => {
    const options = {
      host: '127.0.0.1',
      port,
      localAddress: source,
      servername: host,
      rejectUnauthorized: false,
      ALPNProtocols: [protocol],
      ...(groups === undefined ? {} : { ecdhCurve: groups }),
    };
    const socket = tls.connect(options);
    socket.on('error', () => {});
    let again: NodeJS.Timeout | undefined;
    const answered = () => {
      held.add(connection);
      // Not all at the same time: that would be a load.
      again ??= setInterval(() => connection.ask(), ASK_EVERY_MS);
      resolve();
    };
    const lost = () => {
      clearInterval(again);
      if (!held.delete(connection)) failed += 1;
      resolve();
    };
    const connection = (protocol === 'h2' ? openHttp2 : openHttp1)(socket, answered, lost);
    socket.once('secureConnect', () => connection.ask());
  });
}

let started = 0;
async function openSome(): Promise<void> {
  while (started < count) {
    started += 1;
    await open();
  }
}

await Promise.all(Array.from({ length: AT_A_TIME }, openSome));
process.stdout.write(held.size === count ? 'held\n' : `lost ${count - held.size} ${failed}\n`);
process.stdin.resume();
process.stdin.on('end', () => {
  for (const connection of held) connection.destroy();
});
