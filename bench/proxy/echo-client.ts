// Asks a WebSocket server for 100 bytes again and again on several connections, and tells how many came back and how long
// that took. Arguments: URL, connections, seconds.
import { WebSocket } from 'ws';

const [url = '', connections = '1', seconds = '1'] = process.argv.slice(2);
const message = Buffer.alloc(100, 'x');
const times: number[] = [];
let failed = 0;

const sockets = Array.from({ length: Number(connections) }, () => {
  const socket = new WebSocket(url, { rejectUnauthorized: false });
  let sentAt = 0;
  const send = () => {
    sentAt = performance.now();
    socket.send(message);
  };
  socket.on('open', send);
  socket.on('message', () => {
    times.push(performance.now() - sentAt);
    send();
  });
  socket.on('error', () => {
    failed += 1;
  });
  return socket;
});

setTimeout(() => {
  for (const socket of sockets) socket.terminate();
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  const figures = { requests: times.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1), failed };
  process.stdout.write(JSON.stringify(figures));
}, Number(seconds) * 1_000);
