// The broker under test: on a free port of the loopback interface, ready when /readyz says so,
// stopped by SIGTERM, by its own process id. The program's path comes in BROKER_UNDER_TEST.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const READY_MS_MAX = 60_000;
const WAIT_MS_MAX = 30_000;

/** Starts a broker over two cores; `config` is TOML. */
export async function startBroker(config = '') {
  const [port, tlsPort] = [await freePort(), await freePort()];
  const folder = await mkdtemp(join(tmpdir(), 'broker-'));
  const file = join(folder, 'config.toml');
  await writeFile(file, config);
  const listen = ['--listen', `127.0.0.1:${port}`, '--tls-listen', `127.0.0.1:${tlsPort}`];
  const child = spawn(
    process.env.BROKER_UNDER_TEST,
    ['--config', file, ...listen, '--cores', '2'],
    { stdio: 'inherit' },
  );
  const ended = once(child, 'exit');
  await ready(child, port);
  return {
    port,
    ws: (path) => `ws://localhost:${port}${path}`,
    http: (path) => `http://localhost:${port}${path}`,
    wss: (path) => `wss://localhost:${tlsPort}${path}`,
    https: (path) => `https://localhost:${tlsPort}${path}`,
    publish: async (topic, text) => {
      const answer = await fetch(`http://127.0.0.1:${port}/t/${topic}`, {
        method: 'POST',
        headers: { 'Content-Type': 'text/plain' },
        body: text,
      });
      return (await answer.json()).at;
    },
    /** Asks the broker to stop; its exit status. */
    stop: async () => {
      child.kill('SIGTERM');
      const [status] = await soon(ended, 'the broker to end', 60_000).catch((error) => {
        child.kill('SIGKILL');
        throw error;
      });
      await rm(folder, { recursive: true });
      return status;
    },
  };
}

/** Makes a development certificate in a folder of its own; its lines for the configuration, and the authority's file. */
export async function makeCertificate() {
  const folder = await mkdtemp(join(tmpdir(), 'certificate-'));
  const made = spawn(process.env.BROKER_UNDER_TEST, ['cert', '--dev', '--out', folder], { stdio: 'ignore' });
  const [status] = await once(made, 'exit');
  if (status !== 0) throw new Error(`ringwire cert ended with ${status}`);
  const files = `{ certificate = "${folder}/cert.pem", key = "${folder}/key.pem" }`;
  return {
    folder,
    ca: join(folder, 'ca.pem'),
    config: `[tls]\ncertificates = [${files}]\n`,
    remove: () => rm(folder, { recursive: true }),
  };
}

/** A promise with a deadline, so that what never comes fails its test and hangs nothing. */
export function soon(promise, what, ms = WAIT_MS_MAX) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export async function freePort() {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  listener.close();
  await once(listener, 'close');
  return port;
}

async function ready(child, port) {
  const deadline = Date.now() + READY_MS_MAX;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the broker ended with ${child.exitCode}`);
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    if (answer?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  child.kill('SIGKILL');
  throw new Error('the broker was not ready in time');
}
