// Frames that no library sends, over a plain socket: each ends with the close code of the rule that it
// broke, and the broker serves on.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { soon, startBroker } from './broker.mjs';

let broker;

before(async () => {
  broker = await startBroker();
});
after(async () => {
  assert.equal(await broker.stop(), 0);
});

/** A client frame: first byte, payload, masked with a key that is not zero. */
function frame(first, payload) {
  const key = Buffer.from([0x12, 0x34, 0x56, 0x78]);
  const body = Buffer.from(payload).map((byte, at) => byte ^ key[at % 4]);
  assert.ok(body.length < 126);
  return Buffer.concat([Buffer.from([first, 0x80 | body.length]), key, body]);
}

/** Upgrades, sends `bytes`, and reads to the end; the code of the close frame that came. */
async function endOf(bytes) {
  const socket = connect(broker.port, '127.0.0.1');
  await soon(once(socket, 'connect'), 'the connection');
  socket.write(
    `GET /t/node/broken HTTP/1.1\r\nHost: localhost:${broker.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  let received = Buffer.alloc(0);
  socket.on('data', (data) => {
    received = Buffer.concat([received, data]);
    socket.emit('kept');
  });
  while (!received.includes('\r\n\r\n')) await soon(once(socket, 'kept'), 'the upgrade');
  assert.match(received.toString('latin1'), /^HTTP\/1\.1 101 /);
  assert.match(received.toString('latin1'), /s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/);
  const ended = once(socket, 'end');
  socket.write(bytes);
  await soon(ended, 'the end of the connection');
  socket.destroy();
  const frames = received.subarray(received.indexOf('\r\n\r\n') + 4);
  assert.equal(frames[0], 0x88, 'the last frame is a close');
  return frames.readUInt16BE(2);
}

const broken = [
  ['a frame without a mask', Buffer.from([0x81, 0x01, 0x61]), 1002],
  ['a reserved bit', frame(0xc1, 'a'), 1002],
  ['an opcode that is not assigned', frame(0x83, 'a'), 1002],
  ['a control frame in fragments', frame(0x09, 'a'), 1002],
  ['a continuation of nothing', frame(0x80, 'a'), 1002],
  ['a new message inside another', Buffer.concat([frame(0x01, 'a'), frame(0x81, 'b')]), 1002],
  ['a length that is longer than it needs to be', Buffer.from([0x82, 0xfe, 0x00, 0x05, 1, 2, 3, 4, 1, 2, 3, 4, 5]), 1002],
  ['a close frame with half a code', frame(0x88, [0x03]), 1002],
  ['a close code that may not be sent', frame(0x88, [0x03, 0xed]), 1002],
  ['text that is not UTF-8', frame(0x81, [0xff]), 1007],
  ['text whose character is cut off at its end', frame(0x81, [0xe6, 0xbc]), 1007],
  ['text that goes wrong in its second fragment', Buffer.concat([frame(0x01, [0xe6]), frame(0x80, [0x41])]), 1007],
  ['a close reason that is not UTF-8', frame(0x88, [0x03, 0xe8, 0xff]), 1007],
  ['a declared length over every limit', Buffer.from([0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4]), 1009],
];

for (const [what, bytes, code] of broken) {
  test(`${what} closes with ${code}`, async () => {
    assert.equal(await endOf(bytes), code);
  });
}

test('after all of that the broker delivers', async () => {
  assert.match(await broker.publish('node/broken/after', 'fine'), /:1$/);
});
