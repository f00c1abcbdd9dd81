// A sender of mailings: its program, its site, the post office that it sends by, and its readers'
// web.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { AGENTS, launch } from './browser.mjs';
import { clock } from './clock.mjs';
import { open } from './post.mjs';
import { dataFolder, start } from './server.mjs';
import { until } from './suite.mjs';
import { webmail } from './webmail.mjs';
import { behind, world } from './world.mjs';

const SITE = 'garden.example';
const LISTENER = 'https://stats.example';
const NEWSLETTER = new URL('../mailings/newsletter.html', import.meta.url);
const FIRST_NAME = '{{ first_name | default: "reader" }}';
const PASS_ON = `<a data-forward href="https://${SITE}/?passed=on">Pass it on</a>`;
const STOP = '<p><a href="headcount:stop">Read without being counted</a></p>';
const LOGO = '<svg xmlns="http://www.w3.org/2000/svg" width="120" height="40"><rect width="120" height="40" fill="teal"/></svg>';
const PAGE = `<!doctype html><html lang="en"><title>The Garden</title><h1>The Garden</h1>
  <script defer src="${LISTENER}/s.js" data-domain="${SITE}"></script></html>`;
/** Longer than the program waits for what a filter does next, and than the same counts once. */
const LATER_S = 90;

/** The listener's URLs in a letter. */
export const urls = (html) => [...html.matchAll(/"(https:\/\/stats\.example\/[^"]*)"/g)].map(([, url]) => url.replaceAll('&amp;', '&'));
const of = (kind) => (html) => [...new Set(urls(html).filter((url) => url.startsWith(`${LISTENER}/e/${kind}/`)))];
export const [pixels, clicks, shares, stops] = ['o', 'c', 's', 'x'].map(of);

/** What was asked of the listener's mailings on a line since the last time. */
export const asked = (line) => line.asked.splice(0).filter(({ url }) => url.startsWith(`${LISTENER}/e/`));
export const told = (requests) => requests.map(({ method, url }) => `${method} ${url}`);

/** A reader's network, in Germany. */
export const home = (number) => `84.140.${number}.7`;

/** Opens it. */
export async function garden(program) {
  const folder = dataFolder();
  const time = clock(folder);
  const server = await start(program, folder, time.environment);
  process.once('exit', server.clean);
  const office = await open();
  const web = world({
    'stats.example': behind(server.ingest),
    'webmail.example': webmail(office),
    [SITE](request, answer) {
      const isLogo = request.url.endsWith('.png');
      answer.writeHead(200, { 'content-type': isLogo ? 'image/svg+xml' : 'text/html; charset=utf-8' });
      answer.end(isLogo ? LOGO : PAGE);
    },
  });
  const browser = await launch(AGENTS.desktop);

  server.command(['site', 'add', SITE]);
  const last = (text) => text.trim().split('\n').at(-1);
  const key = last(server.command(['key', 'create', '--site', SITE, '--mailings']));
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const ask = (path, how = {}) => fetch(server.console + path, { headers, ...how }).then((answer) => answer.json());
  const facts = () => ask(`/api/v1/ledger?site_id=${SITE}`);

  const written = server.file('newsletter.html');
  writeFileSync(written, readFileSync(NEWSLETTER, 'utf8').replace('</h1>', `</h1>\n          ${PASS_ON}`).replace('</body>', `${STOP}\n</body>`));

  /** Makes a mailing that was sent to a thousand, and wraps the newsletter for it. */
  const mailing = (name, { create = [], wrap = [] } = {}) => {
    const id = last(server.command(['mailing', 'create', name, '--site', SITE, '--sent', '1000', ...create]));
    return { id, html: server.command(['mailing', 'wrap', id, written, '--url', LISTENER, ...wrap]) };
  };
  const request = (url, { from, agent = AGENTS.desktop, method = 'GET' }) => {
    const headers = { 'user-agent': agent, 'x-forwarded-for': from };
    return fetch(url.replace(LISTENER, server.ingest), { method, headers, redirect: 'manual' });
  };
  const [end] = pixels(mailing('What is opened last').html);
  let ends = 0;

  return {
    office,
    web,
    /** Wraps HTML by the API: it, its links, what is to be looked at. */
    wrapped: (id, html) => ask(`/api/v1/mailings/${id}/wrap`, { method: 'POST', body: JSON.stringify({ html, url: LISTENER }) }),
    /** Asks the listener itself, as a client at an address; redirects are not followed. */
    fetch: request,
    /** The newsletter as it was written. */
    newsletter: readFileSync(written, 'utf8'),
    /** So many seconds go by. */
    pass: time.pass,
    /** The site's ledger, but for what [`figures`] does. */
    async ledger() {
      const { received, counted, dropped } = await facts();
      return { received: received - ends, counted: counted - ends, dropped };
    },
    mailing,
    command: server.command,
    /** Tokens, as its mail merge gets them. */
    tokens: (id, count) => server.command(['mailing', 'tokens', id, '--count', String(count)]).trim().split('\n').slice(1),
    /** A recipient's letter. */
    merged: (html, name, token = '') => html.replace(FIRST_NAME, name).replaceAll('{{token}}', token),
    /** Sends a letter. */
    post: (to, subject, html) =>
      office.send({ from: 'The Garden <news@garden.example>', to, subject, text: 'It is time for bulbs.', html }),
    /** A mailing's figures, once all that was done is in them. */
    /** A mailing's figures, once all that was done is in them: what is held is counted before what
     * comes later, and the ledger is written last. */
    async figures(id) {
      time.pass(LATER_S);
      ends += 1;
      await request(end, { from: home(0) });
      await until('the ledger to settle', async () => {
        const { received, counted, dropped, rejected, spooled } = await facts();
        const refused = [...Object.values(dropped), ...Object.values(rejected)];
        return spooled === 0 && received === refused.reduce((all, one) => all + one, counted);
      });
      return ask(`/api/v1/mailings/${id}`);
    },
    /** A reader with a browser of their own. */
    async reader(address) {
      const line = await web.line(address);
      const proxy = { server: `http://${line.proxy}` };
      const context = await browser.newContext({ proxy, ignoreHTTPSErrors: true, viewport: { width: 900, height: 1100 } });
      return { line, context };
    },
    async close() {
      await browser.close();
      web.close();
      await office.close();
      await server.stop();
      server.clean();
    },
  };
}

/** Waits until a reader has landed on the site by what `go` does, and was counted there. Returns the
 * page's URL, and the requests of the listener's mailings that led to it. */
export async function landed(context, line, go) {
  line.asked.length = 0;
  const hit = context.waitForEvent('response', (response) => response.url() === `${LISTENER}/api/event`);
  const page = await go();
  assert.equal((await hit).status(), 202);
  const url = new URL(page.url());
  assert.equal(url.host, SITE);
  await page.goto('about:blank');
  return { url, led: asked(line) };
}
