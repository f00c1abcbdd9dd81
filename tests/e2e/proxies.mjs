// The snippets for nginx, Caddy and Apache, as they stand in pixel/snippets, in front of the real
// program.
//
//   node tests/e2e/proxies.mjs            checks
//   node tests/e2e/proxies.mjs --install  finds the three, or installs them where that is allowed

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { find, provide } from './install.mjs';

if (process.argv.includes('--install')) provide({ nginx: 'nginx', caddy: 'caddy', apache2: 'apache2-bin' });

const { AGENTS, launch } = await import('./browser.mjs');
const { freePort, start } = await import('./server.mjs');
const { check, finish } = await import('./suite.mjs');

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const target = process.env.CARGO_TARGET_DIR || join(root, 'target');
const program = join(target, 'debug/headcount');
const START_MS = 10_000;
/** The machine's own address that the site does not count, so that an answer tells which was seen. */
const BLOCKED = '127.0.0.2';
const OTHER = '127.0.0.3';

const server = await start(program, undefined, {}, `[[site]]\ndomain = "example.com"\nblock_addresses = ["${BLOCKED}"]\n`);
const folder = mkdtempSync(join(tmpdir(), 'headcount-proxies-'));
const site = join(folder, 'site');
// Proxies that were started by root read as somebody else.
chmodSync(folder, 0o755);
mkdirSync(site);

const isRoot = process.getuid?.() === 0;
const snippet = (name) =>
  readFileSync(join(root, 'pixel/snippets', name), 'utf8').replaceAll('127.0.0.1:8080', server.ingest.replace('http://', ''));
const write = (name, text) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

/** Each proxy's configuration around its snippet, and how it is started. */
const PROXIES = {
  nginx(port) {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((it) => `${it}_temp_path ${folder}/${it};`);
    const config = `${isRoot ? 'user root;' : ''} daemon off; pid ${folder}/nginx.pid; error_log stderr; worker_processes 1;
      events {} http { types { text/html html; } access_log off; ${temporary.join(' ')}
      server { listen 127.0.0.1:${port}; root ${site};\n${snippet('nginx.conf')} } }`;
    return ['-c', write('nginx.conf', config), '-e', 'stderr'];
  },
  caddy(port) {
    const named = snippet('Caddyfile').replace(/^example\.com /m, `http://127.0.0.1:${port} `);
    const config = `{\n\tadmin off\n}\n${named.replace('/var/www/example.com', site)}`;
    return ['run', '--adapter', 'caddyfile', '--config', write('Caddyfile', config)];
  },
  apache2(port) {
    const modules = ['mpm_event', 'authz_core', 'dir', 'mime', 'setenvif', 'headers', 'proxy', 'proxy_http'];
    const loaded = modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`);
    const config = `${loaded.join('\n')}
      ServerName localhost\nListen 127.0.0.1:${port}\nPidFile ${folder}/apache.pid\nErrorLog "|$cat >&2"
      ${isRoot ? 'User www-data\nGroup www-data' : ''}\nTypesConfig /dev/null\nAddType text/html .html
      DocumentRoot ${site}\nDirectoryIndex index.html\n<Directory ${site}>\nRequire all granted\n</Directory>
      ${snippet('apache.conf')}`;
    return ['-d', folder, '-f', write('apache.conf', config), '-DFOREGROUND'];
  },
};

/** Starts a proxy; waits until the site's own page is there. */
async function run(name) {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const element = execFileSync(program, ['snippet', '--site', 'example.com', '--url', origin, '--full', '--pinned'], {
    encoding: 'utf8',
  });
  writeFileSync(join(site, 'index.html'), `<!doctype html><html lang="en"><title>Own page</title>${element}`);
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const child = spawn(find(name), PROXIES[name](port), { stdio: ['ignore', 'ignore', 'pipe'], env });
  let said = '';
  child.stderr.on('data', (text) => (said += text));
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const stop = () => (child.kill('SIGTERM'), ended);
  const until = Date.now() + START_MS;
  for (;;) {
    const page = await fetch(origin).then((answer) => answer.text(), () => '');
    if (page.includes('Own page')) return { origin, stop };
    if (Date.now() > until || child.exitCode !== null) {
      await stop();
      throw new Error(`${name} does not serve the site's own page:\n${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A request from one of this machine's addresses. */
function ask(origin, path, { from = OTHER, method = 'GET', headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const asked = request(origin + path, { method, localAddress: from, headers: { 'user-agent': AGENTS.desktop, ...headers } });
    asked.on('error', reject).on('response', async (answer) => {
      const parts = [];
      for await (const part of answer) parts.push(part);
      resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) });
    });
    asked.end(body);
  });
}

const view = (origin, options) =>
  ask(origin, '/api/event', {
    method: 'POST',
    body: JSON.stringify({ n: 'pageview', u: 'https://example.com/', d: 'example.com' }),
    ...options,
  });

const browser = await launch(AGENTS.desktop);
try {
  for (const name of Object.keys(PROXIES)) {
    await check(`${name} passes script, hits, image and opt-out on, and who sent them`, async () => {
      const { origin, stop } = await run(name);
      try {
        const counted = await view(origin, {});
        assert.deepEqual([counted.status, counted.headers['x-headcount-dropped']], [202, undefined]);
        const blocked = await view(origin, { from: BLOCKED });
        assert.equal(blocked.headers['x-headcount-dropped'], 'blocked_address');
        // What a client says of its address is not believed.
        const forged = await view(origin, { headers: { 'x-forwarded-for': BLOCKED } });
        assert.equal(forged.headers['x-headcount-dropped'], undefined);
        const hidden = await view(origin, { from: BLOCKED, headers: { 'x-forwarded-for': OTHER } });
        assert.equal(hidden.headers['x-headcount-dropped'], 'blocked_address');

        for (const path of ['/s.js', '/s.full.js']) {
          const script = await ask(origin, path, { headers: { 'accept-encoding': 'br' } });
          const { 'content-encoding': coding, etag } = script.headers;
          assert.deepEqual([script.status, coding], [200, 'br'], path);
          const again = await ask(origin, path, { headers: { 'accept-encoding': 'br', 'if-none-match': etag } });
          assert.equal(again.status, 304, path);
        }
        const image = await ask(origin, '/p.gif?s=example.com&u=/');
        assert.deepEqual([image.status, image.body.length, image.headers['content-type']], [200, 43, 'image/gif']);
        assert.match(String((await ask(origin, '/opt-out')).body), /Do not count this browser/);
        assert.equal((await ask(origin, '/api/events')).status, 404);

        const page = await browser.newPage();
        const [hit] = await Promise.all([page.waitForResponse('**/api/event'), page.goto(origin)]);
        assert.deepEqual([hit.status(), await hit.headerValue('x-headcount-dropped')], [202, null]);
        await page.close();
      } finally {
        await stop();
      }
    });
  }
} finally {
  await browser.close();
  await server.stop();
  server.clean();
  rmSync(folder, { recursive: true, force: true });
}

process.exitCode = finish() ? 0 : 1;
