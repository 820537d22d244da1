// A WebSocket server that says again what it hears. Argument: the port on 127.0.0.1.
import { WebSocketServer } from 'ws';

const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.argv[2]) });
server.on('connection', (socket) => {
  socket.on('message', (data) => socket.send(data));
  socket.on('error', () => {});
});
