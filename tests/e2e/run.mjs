// The whole way in a real browser: visitors walk the demo site, marketing opens the dashboard.
//
//   node tests/e2e/run.mjs           checks; pictures in target/test-logs/browser
//   node tests/e2e/run.mjs --docs    no checks; pictures for the README in dashboards/screenshots

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { accessible, AGENTS, launch, still, watch } from './browser.mjs';
import { mailingPages } from './mailing-page.mjs';
import { start } from './server.mjs';
import { tasks } from './tasks.mjs';
import { check, finish } from './suite.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const target = process.env.CARGO_TARGET_DIR || join(root, 'target');
const program = join(target, 'debug/headcount');
if (process.argv.includes('--docs')) {
  const { takePictures } = await import('./docs.mjs');
  await takePictures(program, join(root, 'dashboards/screenshots'));
  process.exit();
}
const pictures = join(target, 'test-logs/browser');
mkdirSync(pictures, { recursive: true });

/** Within how long what was counted stands in the dashboard. */
const SHOWN_MS = 10_000;

// A visitor is one for a day, and the demo's days end at midnight UTC.
const left = 86_400_000 - (Date.now() % 86_400_000);
if (left < 180_000) await new Promise((resolve) => setTimeout(resolve, left));

const server = await start(program);
const browsers = [];
const origins = [server.ingest, server.console];
const watched = [];

/** A browser of its own. */
async function visitor(agent, options) {
  const browser = await launch(agent);
  browsers.push(browser);
  const context = await browser.newContext(options);
  context.setDefaultTimeout(SHOWN_MS);
  const seen = watch(context, origins);
  watched.push({ context, seen });
  return { context, seen, page: await context.newPage() };
}

/** Waits for the tracker's request that `act` causes. */
const counted = (page, name, act) =>
  Promise.all([
    page.waitForResponse(async (response) => {
      const request = response.request();
      return request.url().endsWith('/api/event') && JSON.parse(request.postData() ?? '{}').n === name;
    }),
    act(),
  ]);

const figure = (page, metric) => page.locator(`[data-metric="${metric}"] .figure`);

async function shows(page, expected) {
  for (const [metric, text] of Object.entries(expected)) {
    await figure(page, metric).filter({ hasText: new RegExp(`^${text}$`) }).waitFor();
  }
}

/** The rows of a card as they stand: the value, and its figures. */
const rows = (page, report) =>
  page.locator(`.reports > [data-report="${report}"] tbody tr`).evaluateAll((rows) =>
    rows.map((row) => [row.dataset.value, ...[...row.querySelectorAll('td')].map((cell) => cell.textContent)]),
  );

async function rowsAre(page, report, expected) {
  // As many columns as are expected: how long a page was read is nobody's to foretell.
  const sorted = (rows) => rows.map((row) => row.slice(0, expected[0].length).join(' ')).sort();
  const until = Date.now() + SHOWN_MS;
  for (;;) {
    const found = sorted(await rows(page, report));
    if (JSON.stringify(found) === JSON.stringify(sorted(expected)) || Date.now() > until) {
      return assert.deepEqual(found, sorted(expected));
    }
    await page.waitForTimeout(100);
  }
}

/** The ledger, once nothing is on its way. */
async function settled(page) {
  const until = Date.now() + SHOWN_MS;
  for (;;) {
    const ledger = await page.evaluate(() =>
      fetch('/api/v1/ledger?site_id=demo.localhost').then((answer) => answer.json()),
    );
    const balance = ledger.received - ledger.counted - sum(ledger.dropped) - sum(ledger.rejected);
    if ((balance === 0 && ledger.spooled === 0) || Date.now() > until) {
      assert.deepEqual([balance, ledger.spooled], [0, 0], 'the ledger does not settle');
      return ledger;
    }
    await page.waitForTimeout(100);
  }
}

const sum = (parts) => Object.values(parts).reduce((all, one) => all + one, 0);

const row = (page, report, value) => page.locator(`[data-report="${report}"] tr[data-value="${value}"] button`);

try {
  const marketing = await visitor(AGENTS.desktop, { viewport: { width: 1280, height: 900 } });
  const board = marketing.page;

  await check('without a session the dashboard says how to sign in', async () => {
    const answer = await board.goto(server.console);
    assert.equal(answer.status(), 401);
    assert.match(await board.textContent('body'), /headcount sign-in/);
    // Chromium reports the status itself.
    marketing.seen.complaints.length = 0;
  });

  await check('the printed link signs in, and a site without hits shows what to paste', async () => {
    await board.goto(server.signIn);
    await board.getByText('Listening.').waitFor();
    // While the engine starts, what it is asked is answered with 503.
    marketing.seen.complaints.length = 0;
    assert.match(await board.textContent('.snippet'), /data-domain="demo\.localhost"/);
    await accessible(board);
  });

  const reader = await visitor(AGENTS.desktop, { viewport: { width: 1280, height: 900 } });

  await check('a page view is sent without what the address holds besides its campaign', async () => {
    const address = '/?utm_source=newsletter&utm_medium=email&utm_campaign=autumn&email=a@example.org#x';
    const [response] = await counted(reader.page, 'pageview', () => reader.page.goto(server.ingest + address));
    const sent = JSON.parse(response.request().postData());
    const kept = `${server.ingest}/?utm_source=newsletter&utm_medium=email&utm_campaign=autumn`;
    assert.deepEqual(sent, { n: 'pageview', u: kept, r: '', d: 'demo.localhost', v: 1 });
    assert.equal(response.status(), 202);
    assert.equal(response.headers()['x-headcount-dropped'], undefined);
    await accessible(reader.page);
  });

  await check('the open dashboard turns to figures by itself within ten seconds', async () => {
    await shows(board, { visitors: '1', visits: '1', pageviews: '1' });
    await board.locator('[data-live="1"]').waitFor();
  });

  await check('links, pages of an application and the way back are page views', async () => {
    const { page } = reader;
    await counted(page, 'pageview', () => page.click('text=See the lanterns'));
    await accessible(page);
    await counted(page, 'Signup', () => page.click('#signup'));
    // The link is counted; this machine is not left.
    await page.evaluate(() => addEventListener('click', (event) => event.preventDefault(), { once: true }));
    const [clicked] = await counted(page, 'Outbound Link: Click', () => page.click('#outbound'));
    assert.deepEqual(JSON.parse(clicked.request().postData()).p, { url: 'example.org/gardens' });
    await counted(page, 'pageview', () => page.click('nav >> text=Docs'));
    await accessible(page);
    await counted(page, 'pageview', () => page.click('text=Charging'));
    await counted(page, 'pageview', () => page.goBack());
    assert.equal(new URL(page.url()).pathname, '/docs');
  });

  await check('a phone that comes from a search engine buys', async () => {
    const { page } = await visitor(AGENTS.phone, { viewport: { width: 390, height: 844 }, hasTouch: true });
    const referer = 'https://www.google.com/';
    await counted(page, 'pageview', () => page.goto(`${server.ingest}/pricing`, { referer }));
    // The page is left while its request is on the way; whether it arrives, the figures tell.
    await page.click('#buy');
    await page.waitForURL('**/thanks');
  });

  await check('a page without scripts is counted by its image', async () => {
    const { page, seen } = await visitor(AGENTS.firefox, { javaScriptEnabled: false });
    const image = page.waitForResponse((response) => response.url().includes('/p.gif?'));
    await page.goto(`${server.ingest}/gif`);
    assert.equal((await (await image).body()).length, 43);
    assert.deepEqual(seen.requests.filter((request) => request.startsWith('POST')), []);
  });

  await check('who asks not to be tracked is counted as nobody', async () => {
    const { page } = await visitor(AGENTS.desktop, { extraHTTPHeaders: { 'sec-gpc': '1' } });
    await counted(page, 'pageview', () => page.goto(`${server.ingest}/docs`));
  });

  await check('who opted out is not counted at all, by script or image', async () => {
    const { page, context, seen } = await visitor(AGENTS.desktop);
    await page.goto(`${server.ingest}/opt-out`);
    await page.click('button');
    await page.getByText('This browser is not counted').waitFor();
    assert.deepEqual((await context.cookies()).map(({ name, value }) => [name, value]), [['headcount_opt_out', '1']]);
    await page.goto(`${server.ingest}/docs`, { waitUntil: 'networkidle' });
    assert.ok(!seen.requests.includes('POST /api/event'), seen.requests.join('\n'));
    await page.goto(`${server.ingest}/gif`, { waitUntil: 'networkidle' });
    await context.clearCookies();
  });

  await check('a bot is dropped, and told so', async () => {
    const { page } = await visitor(AGENTS.bot);
    const [response] = await counted(page, 'pageview', () => page.goto(server.ingest));
    assert.equal(await response.headerValue('x-headcount-dropped'), 'bot');
  });

  await check('leaving a page tells how it was read', async () => {
    await board.locator('.ledger').waitFor();
    const before = await settled(board);
    await reader.page.goto('about:blank');
    const until = Date.now() + SHOWN_MS;
    let after = before;
    while (after.counted === before.counted) {
      assert.ok(Date.now() < until, 'no report was counted');
      after = await settled(board);
    }
    assert.equal(after.counted, before.counted + 1);
    assert.deepEqual(after.dropped, before.dropped);
  });

  await check('every number in the dashboard is the one that was made', async () => {
    await board.goto(`${server.console}/demo.localhost?period=day`);
    await shows(board, { visitors: '3', visits: '3', pageviews: '9', bounce_rate: '33%' });
    await rowsAre(board, 'sources', [
      ['newsletter', '1', '0%'],
      ['Google', '1', '0%'],
      ['Direct / None', '1', '100%'],
    ]);
    await rowsAre(board, 'pages', [
      ['/', '1', '1'],
      ['/pricing', '2', '2'],
      ['/docs', '1', '3'],
      ['/docs/charging', '1', '1'],
      ['/thanks', '1', '1'],
      ['/gif', '1', '1'],
    ]);
    await rowsAre(board, 'events', [
      ['Signup', '1', '1', '33%'],
      ['Outbound Link: Click', '1', '1', '33%'],
      ['Purchase', '1', '1', '33%'],
    ]);
    await board.locator('[data-live="3"]').waitFor();
  });

  await check('tabs show other sides of the same visits', async () => {
    await board.click('[data-report="sources"] >> text=Channels');
    await rowsAre(board, 'sources', [
      ['Email', '1', '0%'],
      ['Organic Search', '1', '0%'],
      ['Direct', '1', '100%'],
    ]);
    await row(board, 'campaigns', 'autumn').waitFor();
    await board.click('[data-report="campaigns"] >> text=Mediums');
    await row(board, 'campaigns', 'email').waitFor();
    await board.click('[data-report="pages"] >> text=Entry pages');
    await rowsAre(board, 'pages', [
      ['/', '1', '1', '0%'],
      ['/pricing', '1', '1', '0%'],
      ['/gif', '1', '1', '100%'],
    ]);
    await board.click('[data-report="pages"] >> text=Exit pages');
    await row(board, 'pages', '/thanks').waitFor();
    assert.match(board.url(), /tab\.sources=channel.*tab\.campaigns=medium.*tab\.pages=exit/);
    await board.reload();
    await row(board, 'campaigns', 'email').waitFor();
    await board.click('[data-report="sources"] >> text=Sources');
    await board.click('[data-report="pages"] >> nth=0 >> text=/^Pages$/');
  });

  await check('a click on a row narrows every number, and the back button widens it again', async () => {
    await still(board);
    await row(board, 'sources', 'Google').click();
    await shows(board, { visitors: '1', visits: '1', pageviews: '2', bounce_rate: '0%' });
    assert.match(board.url(), /f=source:Google/);
    await rowsAre(board, 'pages', [
      ['/pricing', '1', '1'],
      ['/thanks', '1', '1'],
    ]);
    await board.goBack();
    await shows(board, { visitors: '3', pageviews: '9' });
    await still(board);
    await row(board, 'events', 'Purchase').click();
    await shows(board, { visitors: '1', visits: '1', events: '1' });
    await board.keyboard.press('Escape');
    await shows(board, { visitors: '3', pageviews: '9' });
  });

  await check('what was not kept together is said to be, instead of guessed', async () => {
    await still(board);
    await row(board, 'pages', '/pricing').click();
    await shows(board, { visitors: '2' });
    await board.click('[data-report="devices"] >> text=Browsers');
    await board.getByText('Browsers are not kept together with page').waitFor();
    await board.goto(`${server.console}/demo.localhost?period=day&f=event:Signup&tab.devices=browser`);
    await board.getByText('Browsers are not kept together with event').waitFor();
    await accessible(board);
    await board.goto(`${server.console}/demo.localhost?period=day`);
  });

  await check('the keyboard changes the period and reads the chart', async () => {
    await shows(board, { visitors: '3' });
    await board.keyboard.press('e');
    await shows(board, { visitors: '0', pageviews: '0' });
    assert.match(board.url(), /period=yesterday/);
    await board.keyboard.press('d');
    await shows(board, { visitors: '3' });
    await board.focus('.plot');
    await board.keyboard.press('ArrowLeft');
    await board.locator('.chart [aria-live]').filter({ hasText: /\d\d:00: \d+\./ }).waitFor();
    await board.keyboard.press('Escape');
  });

  await check('the ledger balances: every hit is accounted for', async () => {
    await board.locator('.ledger[data-balanced="true"]').waitFor();
    const ledger = await settled(board);
    assert.equal(ledger.withheld, 1);
    assert.equal(ledger.dropped.opt_out, 1);
    assert.ok(ledger.dropped.bot >= 1);
  });

  await check('the page is accessible, by day and night, on a desk and on a phone', async () => {
    await accessible(board);
    await board.screenshot({ path: join(pictures, 'console.png'), fullPage: true });
    await board.emulateMedia({ colorScheme: 'dark' });
    await accessible(board);
    await board.screenshot({ path: join(pictures, 'console-dark.png'), fullPage: true });
    await board.emulateMedia({ colorScheme: 'light' });
    await board.setViewportSize({ width: 390, height: 844 });
    await accessible(board);
    const width = await board.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 390, `${width} pixels wide`);
    await board.screenshot({ path: join(pictures, 'console-phone.png'), fullPage: true });
    await board.setViewportSize({ width: 1280, height: 900 });
  });

  await check('the whole list opens over the page, and has an address', async () => {
    await board.goto(`${server.console}/demo.localhost?period=day&open=pages`);
    const dialog = board.locator('dialog[open]');
    await dialog.locator('tr[data-value="/docs"]').waitFor();
    await dialog.getByRole('searchbox').fill('pric');
    await dialog.locator('tr[data-value="/docs"]').waitFor({ state: 'detached' });
    await accessible(board);
    await dialog.getByRole('searchbox').fill('');
    await board.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await board.waitForURL((url) => !url.searchParams.has('open'));
  });

  await tasks(server, board, check);
  await mailingPages(server, board, check, pictures);

  await check('filters of every kind narrow the page, and stand in its address', async () => {
    await board.goto(`${server.console}/demo.localhost?period=day`);
    await shows(board, { visitors: '3' });
    await still(board);
    await row(board, 'sources', 'Google').click({ modifiers: ['Alt'] });
    await shows(board, { visitors: '2' });
    assert.match(board.url(), /f=!source:Google/);
    await board.keyboard.press('Escape');
    await shows(board, { visitors: '3' });
    await board.keyboard.press('/');
    const dialog = board.locator('dialog[open]');
    await accessible(board);
    await dialog.getByLabel('What').selectOption('Entry page');
    await dialog.getByLabel('How').selectOption('contains');
    await dialog.getByLabel('Value').fill('pric');
    await board.keyboard.press('Enter');
    await shows(board, { visitors: '1' });
    await board.getByText('Entry page contains pric').waitFor();
    await board.reload();
    await shows(board, { visitors: '1' });
    await board.goBack();
    await shows(board, { visitors: '3' });
  });

  await check('the days before are a step away, and come back', async () => {
    await board.keyboard.press('ArrowLeft');
    await board.waitForURL(/period=yesterday/);
    await board.getByRole('button', { name: 'The next period' }).click();
    await shows(board, { visitors: '3' });
  });

  await check('a list is downloaded as a file', async () => {
    await board.goto(`${server.console}/demo.localhost?period=day&open=pages`);
    const [file] = await Promise.all([board.waitForEvent('download'), board.getByText('Download as CSV').click()]);
    assert.match(file.suggestedFilename(), /^demo\.localhost-page-.*\.csv$/);
    const text = readFileSync(await file.path(), 'utf8');
    assert.match(text, /^Page,Visitors,Page views,Time on page,Scroll depth,Exit rate\r\n/);
    assert.match(text, /\r\n\/docs,1,3,/);
    await board.keyboard.press('Escape');
  });

  await check('dark or light is the reader’s choice, and stays', async () => {
    const paper = () => board.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await paper();
    await board.getByLabel('Colours').selectOption('Dark');
    assert.notEqual(await paper(), light);
    await board.reload();
    await board.locator('.ledger').waitFor();
    assert.notEqual(await paper(), light);
    await accessible(board);
    await board.getByLabel('Colours').selectOption('As the system');
    await board.keyboard.press('?');
    await board.locator('dialog[open]').getByText('Add a filter').waitFor();
    await accessible(board);
    await board.keyboard.press('Escape');
  });

  await check('a password signs in, and a viewer adds no site', async () => {
    const { page } = await visitor(AGENTS.desktop);
    server.command(['user', 'add', 'vera@example.com', '--site', 'demo.localhost', '--password-stdin'], 'correct horse battery\n');
    await page.goto(`${server.console}/sign-in`);
    await accessible(page);
    await page.getByLabel('E-mail').fill('vera@example.com');
    await page.getByLabel('Password').fill('correct horse battery');
    await page.keyboard.press('Enter');
    const sites = page.locator('.site select');
    await sites.waitFor();
    assert.deepEqual(await sites.locator('option').allTextContents(), ['demo.localhost']);
    await page.goto('about:blank');
    await page.context().clearCookies();
  });

  await check('the demo site looks as it should', async () => {
    await reader.page.goto(server.ingest);
    await reader.page.screenshot({ path: join(pictures, 'demo.png') });
  });

  await check('the dashboard is a small download', async () => {
    const sizes = await board.evaluate(() =>
      performance.getEntriesByType('resource').filter(({ name }) => name.includes('/assets/')).map((one) => one.encodedBodySize),
    );
    const bytes = sizes.reduce((all, one) => all + one, 0);
    assert.ok(bytes > 0 && bytes <= 45_000, `${bytes} bytes`);
  });

  await check('nobody complained, and no page left this machine', () => {
    for (const { seen } of watched) {
      assert.deepEqual(seen.complaints, []);
      assert.deepEqual(seen.away, []);
    }
  });

  await check('no visitor got a cookie', async () => {
    for (const { context } of watched) {
      if (context === marketing.context) continue;
      assert.deepEqual(await context.cookies(), []);
    }
  });

  await check('an error of the API is a sentence, and passes', async () => {
    const away = (route) =>
      route.fulfill({ status: 503, contentType: 'application/json', body: '{"error":"ClickHouse cannot be reached"}' });
    await board.route('**/api/v2/query', away);
    await board.reload();
    await board.locator('.overview .failed').filter({ hasText: 'ClickHouse cannot be reached.' }).waitFor();
    await board.unroute('**/api/v2/query');
    await board.reload();
    await shows(board, { visitors: '3' });
  });

  await check('a session that is over says how to sign in', async () => {
    await board.click('text=Sign out');
    await board.getByText('You are not signed in').waitFor();
    await accessible(board);
    assert.equal((await board.goto(server.console)).status(), 401);
  });

  await Promise.all(browsers.map((browser) => browser.close()));
  await check('the program stops when it is asked to', async () => {
    assert.equal(await server.stop(), 0);
  });
} finally {
  await Promise.all(browsers.map((browser) => browser.close()));
  server.clean();
}

process.exitCode = finish() ? 0 : 1;
