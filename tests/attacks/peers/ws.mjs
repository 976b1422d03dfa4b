// npm ws as an echo server with permessage-deflate, its limits as they come: node ws.mjs PORT

import { createRequire } from 'node:module';

const { WebSocketServer } = createRequire(new URL('../../clients/', import.meta.url))('ws');
const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.argv[2]), perMessageDeflate: true });
server.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (data, binary) => socket.send(data, { binary }));
});
server.on('listening', () => console.log('ready'));
