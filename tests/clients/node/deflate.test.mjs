// permessage-deflate with the `ws` library of npm and with headless Chromium, which offer it unasked.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import WebSocket from 'ws';
import { soon, startBroker } from './broker.mjs';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));
const LONG = JSON.stringify(Array.from({ length: 1500 }, (_, number) => ({ number, square: number * number })));
// Larger than a small window, too short, not ASCII, empty.
const MESSAGES = [LONG, 'short', 'ä'.repeat(3000), '', LONG];
const ALONE = 'permessage-deflate; server_no_context_takeover';

let broker;
let contexts;

before(async () => {
  broker = await startBroker('[compression]\nenabled = true\n');
  contexts = await startBroker('[compression]\nenabled = true\ncontexts_bytes_max = "1MiB"\n');
});
after(async () => {
  assert.equal(await broker.stop(), 0);
  assert.equal(await contexts.stop(), 0);
});

/** Sends every message to a topic that the same connection subscribes to; what came back. */
async function talk(url, perMessageDeflate) {
  const socket = new WebSocket(url, { perMessageDeflate });
  const received = [];
  socket.on('message', (data) => {
    received.push(data.toString());
    socket.emit('kept');
  });
  await soon(once(socket, 'open'), 'the handshake');
  const { extensions } = socket;
  for (const message of MESSAGES) socket.send(message, { compress: true });
  while (received.length < MESSAGES.length) await soon(once(socket, 'kept'), 'a message');
  socket.close();
  await soon(once(socket, 'close'), 'the close');
  return { received, extensions };
}

test('`ws` agrees with every set of parameters that it can offer, with and without contexts', async () => {
  let number = 0;
  for (const server of [broker, contexts]) {
    for (const serverNoContextTakeover of [undefined, true]) {
      for (const clientNoContextTakeover of [undefined, true]) {
        for (const serverMaxWindowBits of [undefined, 8, 9, 12, 15]) {
          for (const clientMaxWindowBits of [undefined, true, 9, 15]) {
            number += 1;
            const { received, extensions } = await talk(server.ws(`/t/node/deflate/${number}`), {
              threshold: 0, serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits,
            });
            assert.equal(extensions, 'permessage-deflate');
            assert.deepEqual(received, MESSAGES);
          }
        }
      }
    }
  }
  assert.equal(number, 160);
});

test('`ws` without compression gets plain messages', async () => {
  const { received, extensions } = await talk(broker.ws('/t/node/plain'), false);
  assert.equal(extensions, '');
  assert.deepEqual(received, MESSAGES);
});

test('Chromium agrees on its own, and its pages get every message whole', async () => {
  const browser = await chromium.launch({
    executablePath: CHROMIUM, headless: true, args: ['--no-sandbox', '--disable-gpu', '--no-proxy-server'],
  });
  try {
    for (const [server, agreed] of [
      [broker, `${ALONE}; client_no_context_takeover`],
      [contexts, `${ALONE}; client_max_window_bits=12`],
    ]) {
      const page = await browser.newPage();
      await page.goto(server.http('/'));
      const { received, extensions } = await soon(page.evaluate(([url, messages]) => new Promise((resolve, reject) => {
        const received = [];
        const socket = new WebSocket(url);
        socket.onopen = () => messages.forEach((message) => socket.send(message));
        socket.onclose = (event) => reject(new Error(`closed with ${event.code}`));
        socket.onmessage = (event) => {
          received.push(event.data);
          if (received.length === messages.length) resolve({ received, extensions: socket.extensions });
        };
      }), [server.ws('/t/chromium/deflate'), MESSAGES]), 'the page');
      assert.equal(extensions, agreed);
      assert.deepEqual(received, MESSAGES);
    }
  } finally {
    await browser.close();
  }
});
