// Bun as an echo server with permessage-deflate, its limits as they come: bun bun.js PORT

Bun.serve({
  hostname: '127.0.0.1',
  port: Number(Bun.argv[2]),
  fetch(request, server) {
    if (server.upgrade(request)) return undefined;
    return new Response('a WebSocket', { status: 426 });
  },
  websocket: {
    perMessageDeflate: true,
    message: (socket, message) => void socket.send(message),
  },
});
console.log('ready');
