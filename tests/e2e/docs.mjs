// The README's pictures: a fortnight of made-up visits to the demo site, counted by the real
// program, whose clock libfaketime runs fast. Nothing in the pictures is drawn.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AGENTS, launch } from './browser.mjs';
import { libfaketime } from './clock.mjs';
import { dataFolder, start } from './server.mjs';

const DAYS = 14;
/** Seconds of the program's clock in one of ours. */
const SPEED = 7200;
const SITE = 'demo.localhost';

/** One in so many, and what it is. An address is only there for its country. */
const ORIGINS = [
  [34, 'https://www.google.com/'],
  [24, ''],
  [9, 'https://news.ycombinator.com/'],
  [8, 'https://duckduckgo.com/'],
  [7, '?utm_source=newsletter&utm_medium=email&utm_campaign=november'],
  [3, '?utm_source=linkedin&utm_medium=social&utm_campaign=city-lights'],
  [2, '?utm_source=google&utm_medium=cpc&utm_campaign=balcony&utm_term=solar+lantern&gclid=1'],
  [6, 'https://chatgpt.com/'],
  [5, 'https://www.reddit.com/'],
  [4, 'https://www.bing.com/'],
  [3, 'https://github.com/'],
  [2, 'https://www.linkedin.com/'],
];
const NETWORKS = [
  [30, '84.140'],
  [20, '73.110'],
  [11, '86.140'],
  [10, '90.20'],
  [8, '84.115'],
  [7, '85.2'],
  [5, '77.165'],
  [4, '126.20'],
  [4, '117.200'],
  [2, '179.100'],
];
const safari = (system, version) =>
  `Mozilla/5.0 (${system}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/${version} Safari/604.1`;
const CLIENTS = [
  [30, AGENTS.desktop.replace('X11; Linux x86_64', 'Windows NT 10.0; Win64; x64')],
  [20, safari('iPhone; CPU iPhone OS 18_6 like Mac OS X', '18.6 Mobile/15E148')],
  [16, AGENTS.phone],
  [12, safari('Macintosh; Intel Mac OS X 10_15_7', '18.6')],
  [9, AGENTS.firefox],
  [8, AGENTS.desktop.replace('X11; Linux x86_64', 'Macintosh; Intel Mac OS X 10_15_7')],
  [5, AGENTS.firefox.replace('X11; Linux x86_64', 'Windows NT 10.0; Win64; x64')],
];
const ENTRIES = [
  [50, '/'],
  [22, '/docs'],
  [16, '/pricing'],
  [7, '/docs/charging'],
  [5, '/docs/hanging'],
];
const NEXT = [
  [30, '/pricing'],
  [24, '/docs'],
  [16, '/'],
  [12, '/docs/charging'],
  [10, '/docs/hanging'],
  [8, '/gif'],
];

// The same pictures every time.
let state = 20261123;
function random() {
  state = (Math.imul(state, 48271) >>> 0) % 2147483647;
  return (state & 0xffffff) / 0x1000000;
}

function pick(weighted) {
  let at = random() * weighted.reduce((sum, [weight]) => sum + weight, 0);
  return weighted.find(([weight]) => (at -= weight) < 0)?.[1] ?? weighted[0][1];
}

/** Visits an hour, by the hour and the day of the week. */
function rate(time) {
  const hour = time.getUTCHours() + time.getUTCMinutes() / 60;
  const day = 3 + 26 * Math.max(0, Math.sin(((hour - 5) / 18) * Math.PI)) ** 1.4;
  return day * ([0, 6].includes(time.getUTCDay()) ? 0.55 : 1);
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** One visit: its pages and events, a while apart. */
async function visit(ingest, pause) {
  const address = `${pick(NETWORKS)}.${Math.floor(random() * 250)}.${Math.floor(random() * 250)}`;
  const headers = { 'x-forwarded-for': address, 'user-agent': pick(CLIENTS), 'accept-language': 'en' };
  const origin = pick(ORIGINS);
  const campaign = origin.startsWith('?') ? origin : '';
  const send = (n, path, more) =>
    fetch(`${ingest}/api/event`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ n, u: `http://${SITE}${path}`, d: SITE, ...more }),
    });
  const read = (page) => send('engagement', page, { e: 4000 + Math.floor(random() ** 3 * 180_000), sd: 30 + Math.floor(random() * 71) });
  let page = pick(ENTRIES);
  await send('pageview', page + campaign, { r: campaign ? '' : origin });
  while (random() < 0.58) {
    await wait(pause());
    await read(page);
    page = pick(NEXT);
    await send('pageview', page, { r: `http://${SITE}/` });
    if (page === '/pricing' && random() < 0.3) await send('Signup', page, { p: { plan: 'balcony' } });
    if (page === '/pricing' && random() < 0.14) {
      await send('Purchase', page, { $: { amount: 49.9, currency: 'EUR' } });
      await send('pageview', '/thanks', {});
    }
    if (page === '/docs' && random() < 0.12) {
      await send('Outbound Link: Click', page, { p: { url: 'example.org/gardens' } });
    }
  }
}

/** The days before now, at the program's own pace. */
async function live(ingest, from) {
  const began = performance.now();
  const visits = [];
  for (;;) {
    const now = new Date(from + (performance.now() - began) * SPEED);
    if (now.getTime() > Date.now() - 20 * 60_000) break;
    const step = 50;
    let expected = (rate(now) * step * SPEED) / 3_600_000;
    for (; expected > random(); expected -= 1) visits.push(visit(ingest, () => 1 + random() * 9));
    await wait(step);
  }
  await Promise.all(visits);
}

function faketime() {
  const found = libfaketime();
  if (!found) throw new Error('libfaketime is missing: install it (Debian: apt-get install faketime)');
  return found;
}

/** Writes console.png, by night and on a phone too, and demo.png. */
export async function takePictures(program, pictures) {
  mkdirSync(pictures, { recursive: true });
  const folder = dataFolder();
  const back = DAYS * 86_400;
  const past = await start(program, folder, {
    LD_PRELOAD: faketime(),
    FAKETIME: `-${back}s x${SPEED}`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  });
  await live(past.ingest, Date.now() - back * 1000);
  await past.stop();

  const server = await start(program, folder);
  const browser = await launch(AGENTS.desktop);
  try {
    await Promise.all(Array.from({ length: 11 }, () => visit(server.ingest, () => 100)));
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, deviceScaleFactor: 2 });
    await page.goto(server.signIn);
    await page.goto(`${server.console}/${SITE}?period=7d`);
    for (const report of ['sources', 'pages', 'campaigns', 'places', 'devices', 'events']) {
      await page.locator(`[data-report="${report}"] tbody tr`).first().waitFor();
    }
    await page.locator('[data-metric="visitors"] :is(.better, .worse, .same)').waitFor();
    await page.locator('.plot path.before[d*="L"]').waitFor({ state: 'attached' });
    await page.locator('.ledger[data-balanced="true"]').waitFor();
    await page.screenshot({ path: join(pictures, 'console.png'), fullPage: true });
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.screenshot({ path: join(pictures, 'console-dark.png') });
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 390, height: 844 });
    await page.screenshot({ path: join(pictures, 'console-phone.png') });
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.goto(server.ingest);
    await page.screenshot({ path: join(pictures, 'demo.png') });
  } finally {
    await browser.close();
    await server.stop();
    server.clean();
  }
}
