// The `ws` library of npm against the broker: messages, fragments, pings, limits, closes.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { soon, startBroker } from './broker.mjs';

const MESSAGE_BYTES_MAX = 65_536;
let broker;

before(async () => {
  broker = await startBroker();
});
after(async () => {
  assert.equal(await broker.stop(), 0);
});

/** A connection that stands, with every message kept in `received`. */
async function open(path, protocols = []) {
  const socket = new WebSocket(broker.ws(path), protocols);
  socket.received = [];
  socket.on('message', (data, isBinary) => {
    socket.received.push(isBinary ? data : data.toString());
    socket.emit('kept');
  });
  await soon(once(socket, 'open'), 'the handshake');
  return socket;
}

/** Waits until a connection has received `count` messages in all. */
async function received(socket, count) {
  while (socket.received.length < count) await soon(once(socket, 'kept'), `message ${count}`);
  return socket.received;
}

/** Waits for the end; the close code. */
async function closeCode(socket) {
  const [code] = await soon(once(socket, 'close'), 'the close');
  return code;
}

test('every subscriber of a topic sees the messages of 4 publishers in one order', async () => {
  const subscribers = await Promise.all(Array.from({ length: 6 }, () => open('/t/node/order?mode=sub')));
  const publishers = await Promise.all(Array.from({ length: 4 }, () => open('/t/node/order?mode=pub')));
  for (let count = 0; count < 200; count += 1) {
    publishers.forEach((publisher, number) => publisher.send(`${number}:${count}`));
    if (count % 20 === 0) await new Promise(setImmediate);
  }
  const sequences = await Promise.all(subscribers.map((subscriber) => received(subscriber, 800)));
  for (const sequence of sequences) assert.deepEqual(sequence, sequences[0]);
  for (let number = 0; number < 4; number += 1) {
    const own = sequences[0].filter((message) => message.startsWith(`${number}:`));
    assert.deepEqual(own, Array.from({ length: 200 }, (_, count) => `${number}:${count}`));
  }
  for (const socket of [...subscribers, ...publishers]) socket.terminate();
});

test('resuming in the JSON dialect gives exactly the missing messages on 16 topics', async () => {
  for (let number = 0; number < 16; number += 1) {
    const topic = `node/resume/${number}`;
    const positions = [];
    for (let count = 0; count < 6; count += 1) positions.push(await broker.publish(topic, `m${count}`));
    const socket = await open('/ws', ['ringwire.v1.json']);
    assert.equal(socket.protocol, 'ringwire.v1.json');
    socket.send(JSON.stringify({ id: 'a', subscribe: topic, since: positions[2] }));
    const [, answer, ...messages] = (await received(socket, 5)).map((text) => JSON.parse(text));
    assert.equal(answer.id, 'a');
    assert.equal(answer.ok.recovered, true);
    assert.deepEqual(messages.map((message) => message.text), ['m3', 'm4', 'm5']);
    assert.deepEqual(messages.map((message) => message.at), positions.slice(3));
    socket.terminate();
  }
});

test('a message in fragments arrives whole, with pings between its fragments answered', async () => {
  const socket = await open('/t/node/fragments');
  const pong = once(socket, 'pong');
  socket.send('a é', { fin: false });
  socket.ping('between');
  socket.send(' b', { fin: false });
  socket.send('', { fin: false });
  socket.send(' c', { fin: true });
  assert.deepEqual(await received(socket, 1), ['a é b c']);
  assert.equal((await soon(pong, 'the pong'))[0].toString(), 'between');
  socket.terminate();
});

test('pings of every size are answered in order with their own payloads', async () => {
  const socket = await open('/t/node/pings');
  for (const size of [0, 1, 124, 125]) {
    const pong = once(socket, 'pong');
    socket.ping(Buffer.alloc(size, size));
    assert.deepEqual((await soon(pong, 'the pong'))[0], Buffer.alloc(size, size));
  }
  socket.terminate();
});

test('a message at the limit is delivered, one byte more closes with 1009, in one frame or in many', async () => {
  const subscriber = await open('/t/node/limit?mode=sub');
  const whole = await open('/t/node/limit?mode=pub');
  whole.send(Buffer.alloc(MESSAGE_BYTES_MAX, 1));
  assert.equal((await received(subscriber, 1))[0].length, MESSAGE_BYTES_MAX);
  whole.send(Buffer.alloc(MESSAGE_BYTES_MAX + 1));
  assert.equal(await closeCode(whole), 1009);
  const parts = await open('/t/node/limit?mode=pub');
  parts.send(Buffer.alloc(MESSAGE_BYTES_MAX), { fin: false });
  parts.send(Buffer.alloc(1), { fin: true });
  assert.equal(await closeCode(parts), 1009);
  const after = await open('/t/node/limit?mode=pub');
  after.send('still served');
  assert.equal((await received(subscriber, 2))[1], 'still served');
  for (const socket of [subscriber, after]) socket.terminate();
});

test('closes are answered with their own code', async () => {
  for (const code of [1000, 1001, 3000, 4999]) {
    const socket = await open('/t/node/close');
    socket.close(code, 'bye');
    assert.equal(await closeCode(socket), code);
  }
});

test('a binary frame in the JSON dialect closes with 1003', async () => {
  const socket = await open('/ws');
  socket.send(Buffer.from('{"id":1,"ping":true}'));
  assert.equal(await closeCode(socket), 1003);
});
