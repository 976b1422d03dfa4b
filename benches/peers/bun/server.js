// The same job on Bun's WebSocket server (uWebSockets inside), as its documentation shows it:
// a connection subscribes to the topic in its path, a message is published to everybody there.
// Compression is off unless a kind of compressor is given, and backpressure bounded as ringwire's is; nothing else
// is changed.
//
//   [COMPRESSOR=shared|dedicated] bun server.js HOST PORT [CERTIFICATE KEY]

const [hostname, port, certificate, key] = process.argv.slice(2);
const compress = process.env.COMPRESSOR;

const server = Bun.serve({
  hostname,
  port: Number(port),
  tls: certificate && { cert: Bun.file(certificate), key: Bun.file(key) },
  fetch(request, server) {
    const url = new URL(request.url);
    const mode = url.searchParams.get("mode") ?? "both";
    const data = { topic: url.pathname, subscribes: mode !== "pub" };
    if (server.upgrade(request, { data })) return;
    return new Response("a WebSocket is wanted\n", { status: 426 });
  },
  websocket: {
    perMessageDeflate: compress ? { compress, decompress: compress } : false,
    maxPayloadLength: 1 << 20,
    backpressureLimit: 16 << 20,
    open(socket) {
      if (socket.data.subscribes) socket.subscribe(socket.data.topic);
    },
    message(socket, message) {
      server.publish(socket.data.topic, message, compress !== undefined);
    },
  },
});
