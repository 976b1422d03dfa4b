// wss and https as npm `ws`, Node's own TLS and Chromium speak them, with an authority that they trust.
//
// Chromium finds the authority where it looks on Linux: in the NSS database of the user's home, which is a folder of the
// test's own. No check is turned off.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import WebSocket from 'ws';
import { makeCertificate, soon, startBroker } from './broker.mjs';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--no-proxy-server',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];
const run = promisify(execFile);

let certificate;
let ca;
let broker;

before(async () => {
  certificate = await makeCertificate();
  ca = await readFile(certificate.ca);
  broker = await startBroker(certificate.config);
});
after(async () => {
  await certificate.remove();
  assert.equal(await broker.stop(), 0);
});

/** A connection that stands, with every message kept. */
async function open(path, options) {
  const socket = new WebSocket(broker.wss(path), options);
  socket.received = [];
  socket.on('message', (data) => {
    socket.received.push(data.toString());
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

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  test(`ws over ${version}: messages of every size come back in order, and the close is clean`, async () => {
    const socket = await open(`/t/node/${version}`, { ca, minVersion: version, maxVersion: version });
    assert.equal(socket._socket.getProtocol(), version);
    const sent = [0, 1, 125, 126, 16_383, 16_384, 16_385, 65_535, 65_536].map((size) => 'x'.repeat(size));
    for (const text of sent) socket.send(text);
    assert.deepEqual(await received(socket, sent.length), sent);
    socket.close(1000);
    const [code] = await soon(once(socket, 'close'), 'the close');
    assert.equal(code, 1000);
  });
}

test('a client that does not trust the authority gets no connection', async () => {
  const socket = new WebSocket(broker.wss('/t/node/stranger'));
  const [error] = await soon(once(socket, 'error'), 'the refusal');
  assert.match(error.code, /UNABLE_TO_VERIFY|SELF_SIGNED|LEAF_SIGNATURE/);
});

test('a session is taken up again', async () => {
  let session;
  const ask = (options) => new Promise((resolve, reject) => {
    const request = get(broker.https('/healthz'), { ca, agent: false, ...options }, (answer) => {
      const reused = answer.socket.isSessionReused();
      answer.resume().on('end', () => resolve(reused));
    });
    request.on('socket', (socket) => socket.on('session', (ticket) => { session = ticket; }));
    request.on('error', reject);
  });
  assert.equal(await soon(ask({}), 'the first answer'), false);
  assert.ok(session);
  assert.equal(await soon(ask({ session }), 'the second answer'), true);
});

/** Chromium with a home of its own, where the authority is trusted or not. */
async function launch(trusts) {
  const home = await mkdtemp(join(tmpdir(), 'home-'));
  const store = join(home, '.pki/nssdb');
  await mkdir(store, { recursive: true });
  await run('certutil', ['-d', `sql:${store}`, '-N', '--empty-password']);
  if (trusts) await run('certutil', ['-d', `sql:${store}`, '-A', '-t', 'C,,', '-n', 'test', '-i', certificate.ca]);
  const browser = await chromium.launch({
    executablePath: CHROMIUM, headless: true, args: FLAGS, env: { ...process.env, HOME: home },
  });
  return {
    browser,
    close: async () => {
      await browser.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

test('Chromium trusts the certificate: a page over https subscribes by wss and publishes by fetch', async () => {
  const { browser, close } = await launch(true);
  try {
    const page = await browser.newPage();
    const answer = await page.goto(broker.https('/'));
    assert.equal(answer.status(), 200);
    assert.equal((await answer.securityDetails()).protocol, 'TLS 1.3');
    const heard = await soon(page.evaluate(([ws, http]) => new Promise((resolve, reject) => {
      const socket = new WebSocket(ws);
      const messages = [];
      socket.onmessage = (event) => {
        messages.push(event.data);
        if (messages.length === 2) resolve(messages);
      };
      socket.onclose = (event) => reject(new Error(`closed with ${event.code}`));
      socket.onopen = async () => {
        socket.send('by socket');
        const published = await fetch(http, { method: 'POST', body: 'by fetch' });
        if (!published.ok) reject(new Error(`fetch was answered ${published.status}`));
      };
    }), [broker.wss('/t/node/chromium'), broker.https('/t/node/chromium')]), 'both messages', 30_000);
    assert.deepEqual(heard.sort(), ['by fetch', 'by socket']);
  } finally {
    await close();
  }
});

test('Chromium without the authority refuses the page', async () => {
  const { browser, close } = await launch(false);
  try {
    const page = await browser.newPage();
    await assert.rejects(page.goto(broker.https('/')), /ERR_CERT_AUTHORITY_INVALID/);
  } finally {
    await close();
  }
});
