// A site of small pages under a strict policy, that holds the built tracker and keeps every hit.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = join(dirname(fileURLToPath(import.meta.url)), '../../pixel/dist');
const POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; form-action 'self'";
/** A machine that does other things besides may take long to start a browser. */
const HIT_MS = 20_000;

const element = (name, attributes = '') => `<script defer src="/${name}.js" ${attributes}></script>`;

/** The tracker as a page holds it. */
export const core = (attributes) => element('s', attributes);
export const full = (attributes) => element('s.full', attributes);

/** Starts it. What no page was made for is a page that is not there. */
export async function serve() {
  const pages = new Map();
  const waiting = new Set();
  const site = {
    origin: '',
    /** Hits as they came: what was said, and the request's headers. */
    hits: [],
    /** Makes a page, or a file where `type` says so. */
    page(path, body, { status = 200, type = 'text/html', headers = {} } = {}) {
      pages.set(path, { body, status, headers: { 'content-type': type, ...headers } });
    },
    /** Names of the hits so far. */
    names: () => site.hits.map(({ n }) => n),
    /** The first hit that fits, once it is there. */
    hit(wanted) {
      const fits = typeof wanted === 'function' ? wanted : ({ n }) => n === wanted;
      return new Promise((resolve, reject) => {
        const look = () => {
          const found = site.hits.find(fits);
          if (!found) return;
          waiting.delete(look);
          clearTimeout(late);
          resolve(found);
        };
        const late = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`no hit fits ${wanted} in ${JSON.stringify(site.hits.map(({ headers, ...hit }) => hit))}`));
        }, HIT_MS);
        waiting.add(look);
        look();
      });
    },
    /** All hits so far, once one that is sent now has come too. */
    async settled(page) {
      await page.evaluate(() => globalThis.headcount('settled'));
      await site.hit('settled');
      return site.hits.filter(({ n }) => n !== 'settled');
    },
    clear() {
      site.hits.length = 0;
    },
    close: () => server.close().closeAllConnections(),
  };

  const server = createServer(async (request, answer) => {
    const { pathname } = new URL(request.url, 'http://site');
    answer.setHeader('access-control-allow-origin', '*');
    if (pathname === '/api/event') {
      let text = '';
      for await (const part of request) text += part;
      site.hits.push({ ...JSON.parse(text), headers: request.headers });
      answer.writeHead(202).end();
      return [...waiting].forEach((look) => look());
    }
    if (/^\/s(\.full)?\.js$/.test(pathname)) {
      answer.writeHead(200, { 'content-type': 'text/javascript' });
      return answer.end(readFileSync(join(dist, pathname)));
    }
    const found = pages.get(pathname) ?? { status: 404, body: full(), headers: { 'content-type': 'text/html' } };
    answer.writeHead(found.status, { 'content-security-policy': POLICY, ...found.headers });
    const head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Page</title>';
    answer.end(found.headers['content-type'] === 'text/html' ? head + found.body : found.body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  site.origin = `http://127.0.0.1:${server.address().port}`;
  return site;
}
