// A headcount of its own: free ports, a fresh data folder, the demo site.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const START_MS = 60_000;
const STOP_MS = 30_000;

/** A port of this machine that nobody listens on. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A folder for what a headcount keeps. */
export const dataFolder = () => mkdtempSync(join(tmpdir(), 'headcount-e2e-'));

/** Starts the program, and waits until it says how to sign in and takes hits. `more`: what else is
 * configured. */
export async function start(program, folder = dataFolder(), environment = {}, more = '') {
  const [ingest, console] = [await freePort(), await freePort()];
  const config = join(folder, 'headcount.toml');
  writeFileSync(
    config,
    `[ingest]\nlisten = "127.0.0.1:${ingest}"\n\n[console]\nlisten = "127.0.0.1:${console}"\n\n${more}`,
  );
  const args = ['serve', '--demo', '--config', config, '--data', join(folder, 'data')];
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve(code ?? signal)));

  let said = '';
  let logged = '';
  child.stderr.on('data', (text) => (logged += text));
  const link = new Promise((resolve) => {
    child.stdout.on('data', (text) => {
      said += text;
      const found = /\S*\/sign-in\?token=\w+/.exec(said);
      if (found) resolve(found[0]);
    });
  });
  const failed = ended.then((code) => Promise.reject(new Error(`headcount ended (${code})\n${said}${logged}`)));
  failed.catch(() => {});
  const late = deadline(START_MS, () => `headcount did not start\n${said}${logged}`);

  const server = {
    ingest: `http://127.0.0.1:${ingest}`,
    console: `http://127.0.0.1:${console}`,
    signIn: '',
    logged: () => logged,
    /** Runs a command on the same data folder; what it printed. */
    command: (args, input = '') =>
      execFileSync(program, [...args, '--config', config, '--data', join(folder, 'data')], { encoding: 'utf8', input, stdio: 'pipe' }),
    /** A place for a file that goes with it. */
    file: (name) => join(folder, name),
    /** Asks it to stop, and returns its exit code. */
    async stop() {
      child.kill('SIGTERM');
      const late = deadline(STOP_MS, () => `headcount did not stop\n${logged}`);
      return Promise.race([ended, late.promise]).finally(late.clear);
    },
    /** Whatever happened: it is gone, and so is its folder. */
    clean() {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    server.signIn = await Promise.race([link, failed, late.promise]);
    await Promise.race([ready(server.ingest), failed, late.promise]);
  } catch (error) {
    server.clean();
    throw error;
  } finally {
    late.clear();
  }
  return server;
}

async function ready(ingest) {
  for (;;) {
    const answer = await fetch(`${ingest}/readyz`).catch(() => null);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function deadline(ms, message) {
  let timer;
  const promise = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(message())), ms);
  });
  promise.catch(() => {});
  return { promise, clear: () => clearTimeout(timer) };
}
