// An echo server made of npm `ws`, which the Autobahn test suite judges beside the broker: ws.mjs PORT.

import { WebSocketServer } from 'ws';

const port = Number(process.argv[2]);
// 0: messages of any length, in any number of fragments.
const server = new WebSocketServer({ host: '127.0.0.1', port, maxPayload: 0, maxFragments: 0, perMessageDeflate: true });
server.on('connection', (socket) => {
  // It closes the connection by itself after an error, and the suite sees how.
  socket.on('error', () => {});
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
