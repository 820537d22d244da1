import { readFileSync } from 'node:fs';
import { createServer } from 'node:tls';

// What Node's sockets and OpenSSL cost by themselves: answers whatever comes. Arguments: port, chain, key.
const [port = '', chain = '', key = ''] = process.argv.slice(2);
const answer = 'HTTP/1.1 204 No Content\r\n\r\n';
const identity = { cert: readFileSync(chain), key: readFileSync(key), ALPNProtocols: ['http/1.1'] };
createServer(identity, (socket) => {
  socket.on('data', () => socket.write(answer));
  socket.on('error', () => {});
}).listen(Number(port), '127.0.0.1', 4096);
