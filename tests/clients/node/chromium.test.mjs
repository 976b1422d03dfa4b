// Headless Chromium, driven by playwright-core: pages that use nothing but `new WebSocket(...)`.
//
// The pages come from two small servers of the test's own, which are other origins than the broker's:
// one is on the broker's allow-list, the other is not.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { soon, startBroker } from './broker.mjs';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--no-proxy-server',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];
const MESSAGES = 100;

let broker;
let browser;
let allowed;
let foreign;

/** A server of empty pages; its origin, as a browser writes it. */
async function servePages() {
  const server = createServer((_, answer) => {
    answer.setHeader('Content-Type', 'text/html');
    answer.end('<!doctype html><title>page</title>');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { origin: `http://localhost:${server.address().port}`, close: () => server.close() };
}

before(async () => {
  allowed = await servePages();
  foreign = await servePages();
  broker = await startBroker(`[http]\nallowed_origins = ["${allowed.origin}"]\n`);
  browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS });
});
after(async () => {
  await browser?.close();
  allowed.close();
  foreign.close();
  assert.equal(await broker.stop(), 0);
});

/** A tab whose page holds a plain WebSocket to the broker, open, and keeps what arrives. */
async function tab(origin, path) {
  const page = await browser.newPage();
  await page.goto(`${origin}/`);
  await page.evaluate((url) => new Promise((resolve, reject) => {
    window.received = [];
    window.socket = new WebSocket(url);
    window.socket.onmessage = (event) => window.received.push(event.data);
    window.socket.onopen = resolve;
    window.socket.onclose = (event) => reject(new Error(`closed with ${event.code}`));
  }), broker.ws(path));
  return page;
}

/** Waits until a tab has received `count` messages. */
async function received(page, count) {
  await page.waitForFunction((wanted) => window.received.length >= wanted, count, { timeout: 20_000 });
  return page.evaluate(() => window.received);
}

test('two tabs subscribe, a third publishes by WebSocket and by fetch, and all three see one order', async () => {
  const tabs = [];
  for (let number = 0; number < 3; number += 1) tabs.push(await tab(allowed.origin, '/t/demo'));
  const outside = (async () => {
    for (let count = 0; count < MESSAGES; count += 1) await broker.publish('demo', `outside:${count}`);
  })();
  const inside = tabs[2].evaluate(async ([url, messages]) => {
    for (let count = 0; count < messages; count += 1) {
      window.socket.send(`socket:${count}`);
      const answer = await fetch(url, { method: 'POST', body: `fetch:${count}` });
      if (!answer.ok) throw new Error(`fetch was answered ${answer.status}`);
    }
  }, [broker.http('/t/demo'), MESSAGES]);
  await soon(Promise.all([outside, inside]), 'the publishers', 60_000);
  const sequences = await Promise.all(tabs.map((page) => received(page, 3 * MESSAGES)));
  for (const sequence of sequences) assert.deepEqual(sequence, sequences[0]);
  for (const source of ['socket', 'fetch', 'outside']) {
    const own = sequences[0].filter((message) => message.startsWith(`${source}:`));
    assert.deepEqual(own, Array.from({ length: MESSAGES }, (_, count) => `${source}:${count}`));
  }
  for (const page of tabs) await page.close();
});

test('a tab speaks the JSON dialect and resumes where it was', async () => {
  const first = await tab(allowed.origin, '/ws');
  await first.evaluate(() => window.socket.send('{"id":1,"subscribe":"demo/json"}'));
  const answer = JSON.parse((await received(first, 2))[1]);
  await first.close();
  for (const text of ['one', 'two']) await broker.publish('demo/json', text);
  const second = await tab(allowed.origin, '/ws');
  await second.evaluate((since) => {
    window.socket.send(JSON.stringify({ id: 2, subscribe: 'demo/json', since }));
  }, answer.ok.at);
  const [, resumed, ...messages] = (await received(second, 4)).map((text) => JSON.parse(text));
  assert.equal(resumed.ok.recovered, true);
  assert.deepEqual(messages.map((message) => message.text), ['one', 'two']);
  await second.close();
});

test('a page of the broker itself may use it, a page of another site may neither subscribe nor publish', async () => {
  const own = await tab(broker.http('').replace(/\/$/, ''), '/t/demo/own').catch((error) => error);
  assert.ok(!(own instanceof Error), `${own}`);
  await own.close();
  await assert.rejects(tab(foreign.origin, '/t/demo/own'), /closed with 1006/);
  const page = await browser.newPage();
  await page.goto(`${foreign.origin}/`);
  await page.evaluate(async (url) => {
    await fetch(url, { method: 'POST', mode: 'no-cors', body: 'smuggled' }).catch(() => null);
  }, broker.http('/t/demo/foreign'));
  const history = await (await fetch(broker.http('/t/demo/foreign'))).json();
  assert.deepEqual(history.messages, []);
  await page.close();
});
