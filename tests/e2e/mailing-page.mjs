// Mailings on the dashboard: made by the command, opened and clicked as mail clients do, and read by
// marketing, from the site's card to the mailing's page and on to the site's visits.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { accessible, AGENTS, still } from './browser.mjs';

const SITE = 'news.example';
/** A site with hits and without mailings. */
const WITHOUT = 'shop.example';
/** Clicks are held for seconds, so that a filter's are told from a person's. */
const COUNTED_MS = 60_000;

const GMAIL =
  'Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)';
const APPLE = 'Mozilla/5.0';
const CONSENT = 'newsletter tracking, opt-in form v3';

const HTML = `<html><body>
<p><a href="https://${SITE}/lanterns">Read about lanterns</a> <a href="https://${SITE}/workshop">Book a workshop</a></p>
<p><a href="https://${SITE}/rare">Rarely followed</a> <a href="https://${SITE}/imprint">Imprint</a></p>
<p><a data-forward href="https://${SITE}/view">Pass it on</a></p>
<p><a href="https://${SITE}/unsubscribe">Unsubscribe</a> <a href="headcount:stop">Stop</a></p>
</body></html>`;

/** The sender's side, and its recipients. */
function sender(server) {
  const mailing = (...args) => server.command(['mailing', ...args]).trim().split('\n');
  const file = server.file('mailing.html');
  writeFileSync(file, HTML);
  return {
    mailing,
    create: (name, ...args) => mailing('create', name, '--site', SITE, ...args).at(-1),
    /** The addresses of one kind in the wrapped mailing, in their order. */
    addresses(id) {
      const html = server.command(['mailing', 'wrap', id, file, '--url', server.ingest]);
      return (kind) =>
        [...html.matchAll(new RegExp(`"(${server.ingest}/e/${kind}/[^"]+)"`, 'g'))].map(([, address]) => address);
    },
    /** Asks as the device of a number, in a network of its own. */
    async get(address, agent, device) {
      const headers = { 'x-forwarded-for': `84.140.${device}.7`, 'user-agent': agent };
      const answer = await fetch(address, { redirect: 'manual', headers });
      assert.ok([200, 302].includes(answer.status), `${answer.status} of ${address}`);
    },
  };
}

/** 25 open by themselves, 20 by Gmail; Apple fetches for 15; 13 click on one link and 10 on another,
 * 4 on a third, 11 pass it on, 2 filters follow all. `as`: an address as it is for a recipient. */
async function sendOut({ addresses, get }, id, as) {
  const of = addresses(id);
  const [pixel] = of('o');
  const links = of('c');
  const [share] = of('s');
  for (let i = 0; i < 25; i += 1) await get(as(pixel, i), AGENTS.desktop, i);
  for (let i = 25; i < 45; i += 1) await get(as(pixel, i), GMAIL, i);
  for (let i = 45; i < 60; i += 1) await get(as(pixel, i), APPLE, i);
  for (let i = 0; i < 13; i += 1) await get(as(links[0], i), AGENTS.desktop, i);
  for (let i = 13; i < 23; i += 1) await get(as(links[1], i), AGENTS.desktop, i);
  for (let i = 25; i < 29; i += 1) await get(as(links[2], i), AGENTS.desktop, i);
  for (let i = 30; i < 41; i += 1) await get(as(share, i), AGENTS.desktop, i);
  for (let i = 60; i < 62; i += 1) for (const link of links) await get(as(link, i), AGENTS.desktop, i);
}

/** Ten readers go on to the site, and four of them sign up. */
async function visits(server, campaign) {
  for (let i = 0; i < 10; i += 1) {
    const headers = { 'x-forwarded-for': `90.20.${i}.7`, 'user-agent': AGENTS.desktop };
    const address = `https://${SITE}/lanterns?utm_source=newsletter&utm_medium=email&utm_campaign=${campaign}`;
    for (const n of ['pageview', ...(i < 4 ? ['Signup'] : [])]) {
      const body = JSON.stringify({ n, d: SITE, u: address });
      const answer = await fetch(`${server.ingest}/api/event`, { method: 'POST', headers, body });
      assert.equal(answer.status, 202);
    }
  }
}

const figure = (page, id) => page.locator(`[data-figure="${id}"] .figure`);
const note = (page, id) => page.locator(`[data-figure="${id}"] .note`).innerText();
const cell = (page, report, row) => page.locator(`[data-report="${report}"] tr[data-value="${row}"]`);
const cells = (page, report, row) => cell(page, report, row).locator('td').allTextContents();

async function shows(page, expected) {
  for (const [id, text] of Object.entries(expected)) {
    await figure(page, id).filter({ hasText: new RegExp(`^${text}$`) }).waitFor({ timeout: COUNTED_MS });
  }
}

/** Walks the mailings of a site. `pictures`: where pictures of the pages are kept. */
export async function mailingPages(server, page, check, pictures) {
  const post = sender(server);
  const ids = {};
  const at = (id, more = '') => `${server.console}/${SITE}?period=day&mailing=${ids[id]}${more}`;

  await check('a site without mailings is asked for them once, and shows no card', async () => {
    const asked = [];
    const note = (request) => request.url().includes('/api/v1/mailings') && asked.push(request.url());
    page.on('request', note);
    await page.goto(`${server.console}/${WITHOUT}?period=day`);
    await still(page);
    const views = page.locator('[data-metric="pageviews"] .figure');
    await views.filter({ hasText: /^\d+$/ }).waitFor();
    const before = await views.textContent();
    const headers = { 'x-forwarded-for': '192.0.2.99', 'user-agent': AGENTS.desktop };
    const hit = { n: 'pageview', d: WITHOUT, u: `https://${WITHOUT}/new` };
    await fetch(`${server.ingest}/api/event`, { method: 'POST', headers, body: JSON.stringify(hit) });
    await views.filter({ hasNotText: new RegExp(`^${before}$`) }).waitFor();
    page.off('request', note);
    assert.equal(asked.length, 1);
    assert.equal(await page.locator('[data-report="mailings"]').count(), 0);
  });

  await check('mailings are made, sent, opened and clicked', async () => {
    server.command(['site', 'add', SITE, '--timezone', 'Europe/Berlin']);
    for (const name of ['Spring letter', 'Summer letter', 'Late summer letter']) post.create(name, '--sent', '80');
    ids.unsent = post.create('December news, drafted');
    ids.few = post.create('To the board', '--sent', '7');
    ids.aggregate = post.create('Autumn lanterns', '--sent', '500');
    ids.token = post.create('November news', '--sent', '500', '--mode', 'token', '--consent', CONSENT);
    const tokens = post.mailing('tokens', ids.token, '--count', '62').slice(1);
    await sendOut(post, ids.aggregate, (address) => address);
    await sendOut(post, ids.token, (address, i) => address.replace('{{token}}', tokens[i]));
    await visits(server, 'november-news');
  });

  await check('the card tells five of a site’s mailings, the newest first, and all when asked', async () => {
    await page.goto(`${server.console}/${SITE}?period=day`);
    const card = page.locator('.reports > [data-report="mailings"]');
    await card.locator('tbody tr').first().waitFor({ timeout: COUNTED_MS });
    const listed = post.mailing('list', '--site', SITE).map((line) => line.split('\t').at(-1));
    const names = (rows) => rows.locator('tbody tr').evaluateAll((rows) => rows.map((row) => row.dataset.value));
    assert.equal(listed.length, 7);
    assert.deepEqual(await names(card), listed.slice(0, 5));
    await card.getByRole('button', { name: 'all 7' }).click();
    const dialog = page.locator('dialog[open]');
    await dialog.locator('tbody tr').nth(6).waitFor();
    assert.deepEqual(await names(dialog), listed);
    await accessible(page);
    // Seven recipients are fewer than are told, none is nobody yet.
    assert.deepEqual(await dialog.locator('tr[data-value="To the board"] td').allTextContents(), ['7', '<10', '<10']);
    const draft = dialog.locator('tr[data-value="December news, drafted"]');
    assert.deepEqual(await draft.locator('td').allTextContents(), ['0', '–', '–']);
    await dialog.locator('tr[data-value="Autumn lanterns"] td', { hasText: /^45$/ }).waitFor({ timeout: COUNTED_MS });
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  await check('a mailing’s page comes with its code, by a click or a key, and the back button leaves it', async () => {
    const code = () =>
      page.evaluate(() => performance.getEntriesByType('resource').filter(({ name }) => name.includes('/assets/page-')).length);
    await page.goto(`${server.console}/${SITE}?period=day&open=mailings`);
    const row = page.locator('dialog[open] tr[data-value="Autumn lanterns"] a');
    await row.waitFor();
    assert.equal(await code(), 0, 'nothing of it before');
    await row.click();
    await page.getByRole('heading', { name: 'Autumn lanterns', level: 1 }).waitFor();
    assert.ok((await code()) > 0);
    await page.waitForURL((url) => url.searchParams.get('mailing') === ids.aggregate && !url.searchParams.has('open'));
    assert.match(await page.title(), /^Autumn lanterns/);
    await page.reload();
    await figure(page, 'sent').filter({ hasText: /^500$/ }).waitFor();
    await page.goBack();
    await row.waitFor();
    await row.focus();
    await page.keyboard.press('Enter');
    await figure(page, 'sent').waitFor();
    await page.getByRole('link', { name: SITE, exact: false }).first().click();
    await page.locator('.reports > [data-report="mailings"]').waitFor();
    assert.match(await page.title(), new RegExp(`^${SITE}`));
  });

  await check('in aggregate mode it tells opens and clicks, and says that they are no people', async () => {
    await page.goto(at('aggregate'));
    await shows(page, { sent: '500', opens: '45', clicks: '27', 'to-open': '60%', forwards: '11' });
    assert.match(await note(page, 'opens'), /^opens, not people\s+9% of sent\s+machines: 15$/);
    assert.match(await note(page, 'clicks'), /^clicks, not people\s+5\.4% of sent\s+machines: few$/);
    assert.deepEqual(await cells(page, 'who', 'human'), ['25', '27']);
    assert.deepEqual(await cells(page, 'who', 'proxied'), ['20', '–']);
    assert.deepEqual(await cells(page, 'who', 'privacy_proxy'), ['15', '–']);
    assert.deepEqual(await cells(page, 'readers', 'Gmail'), ['20']);
    assert.deepEqual(await cells(page, 'readers', 'Chrome'), ['25']);
    assert.equal(await page.getByText('Unique', { exact: true }).count(), 0);
    assert.deepEqual(await cells(page, 'web', 'visits'), ['0', '0%']);
  });

  await check('in token mode it tells recipients beside what they did', async () => {
    await page.goto(at('token'));
    await shows(page, { sent: '500', opens: '45', clicks: '27', forwards: '11' });
    assert.match(await note(page, 'opens'), /^by 45 recipients\s+open rate 9\.\d%\s/);
    assert.match(await note(page, 'clicks'), /^by 27 recipients\s+click rate 5\.4%\s/);
    assert.match(await note(page, 'to-open'), /^of \d+ who read it$/);
    assert.deepEqual(await cells(page, 'links', 'Read about lanterns'), ['13', '13']);
    assert.deepEqual(await cells(page, 'links', 'Pass it on'), ['11', '–']);
    assert.deepEqual(await cells(page, 'links', 'Imprint'), ['0', '0']);
    // Four clicks are not told, and neither are the next fewest, which would give them away.
    assert.equal(await cell(page, 'links', 'Rarely followed').count(), 0);
    assert.equal(await cell(page, 'links', 'Book a workshop').count(), 0);
    assert.deepEqual(await cells(page, 'links', 'Other'), ['14', '–']);
    await cell(page, 'links', 'Other').filter({ hasText: '2 other links' }).waitFor();
    await page.locator('[data-fact="Consent"]', { hasText: CONSENT }).waitFor();
    await page.locator('[data-fact="Key"]', { hasText: 'alive until' }).waitFor();
  });

  await check('its curve shows opens or clicks by the hour since it was sent', async () => {
    const spoken = page.locator('.chart [aria-live]');
    await page.focus('.plot');
    await page.keyboard.press('Home');
    await spoken.filter({ hasText: '0 h to 1 h: 45.' }).waitFor();
    await page.locator('[data-figure="clicks"] button').first().click();
    await page.waitForURL(/tab\.curve=clicks/);
    await page.focus('.plot');
    await page.keyboard.press('Home');
    await spoken.filter({ hasText: '0 h to 1 h: 27.' }).waitFor();
    await page.locator('[data-report="readers"] >> text=Countries').click();
    await cell(page, 'readers', 'DE').filter({ hasText: 'Germany' }).waitFor();
    await page.reload();
    await cell(page, 'readers', 'DE').waitFor();
    assert.equal(await page.locator('[data-figure="clicks"] button').first().getAttribute('aria-pressed'), 'true');
  });

  await check('every figure has its definition at hand', async () => {
    for (const id of ['sent', 'opens', 'clicks', 'to-open', 'forwards']) {
      const tile = page.locator(`[data-figure="${id}"]`);
      await tile.locator('.hint button').focus();
      const means = tile.getByRole('tooltip');
      await means.waitFor();
      assert.ok((await means.textContent()).length > 20, id);
    }
  });

  await check('its visits and goals lead to the same visits on the site’s page', async () => {
    assert.deepEqual(await cells(page, 'web', 'visits'), ['10', '37%']);
    assert.deepEqual(await cells(page, 'web', 'Signup'), ['4', '40%']);
    await cell(page, 'web', 'visits').getByRole('link').click();
    await page.locator('[data-metric="visits"] .figure', { hasText: /^10$/ }).waitFor();
    assert.match(page.url(), /f=campaign:november-news&f=medium:email/);
    await page.goBack();
    await cell(page, 'web', 'Signup').getByRole('link').click();
    await page.locator('[data-metric="visitors"] .figure', { hasText: /^4$/ }).waitFor();
    await page.goBack();
    await figure(page, 'sent').waitFor();
  });

  await check('a mailing that was not sent, or to few, shows no figure and says why', async () => {
    await page.goto(at('unsent'));
    await page.getByText('Not sent yet.').waitFor();
    assert.match(await page.textContent('.snippet'), new RegExp(`headcount mailing sent ${ids.unsent}`));
    await accessible(page);
    await page.goto(at('few'));
    await page.getByText('With fewer than 10 recipients').waitFor();
    assert.equal(await page.locator('.figure').count(), 0);
    await accessible(page);
  });

  await check('a mailing’s page is accessible, by day and night, on a desk and on a phone', async () => {
    for (const id of ['aggregate', 'token']) {
      await page.goto(at(id));
      await shows(page, { sent: '500' });
      await page.locator('.plot svg').waitFor();
      await accessible(page);
      await page.screenshot({ path: join(pictures, `mailing-${id}.png`), fullPage: true });
    }
    await page.emulateMedia({ colorScheme: 'dark' });
    await accessible(page);
    await page.screenshot({ path: join(pictures, 'mailing-dark.png'), fullPage: true });
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 390, height: 844 });
    await accessible(page);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 390, `${width} pixels wide`);
    await page.screenshot({ path: join(pictures, 'mailing-phone.png'), fullPage: true });
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  await check('a key that is destroyed leaves its receipt and the figures', async () => {
    post.mailing('shred', ids.token);
    await page.reload();
    await page.locator('[data-fact="Key"]', { hasText: /destroyed .* on request; receipt [0-9a-f]{16}/ }).waitFor();
    await shows(page, { opens: '45', clicks: '27' });
  });

  await check('a mailing’s page is a small download on top of the dashboard', async () => {
    const files = await page.evaluate(() =>
      performance.getEntriesByType('resource').filter(({ name }) => name.includes('/assets/')).map(({ name, encodedBodySize }) => [name, encodedBodySize]),
    );
    const sum = (files) => files.reduce((all, [, bytes]) => all + bytes, 0);
    const own = sum(files.filter(([name]) => name.includes('/assets/page-')));
    assert.ok(own > 0 && own <= 8_000, `${own} bytes of its own`);
    assert.ok(sum(files) <= 45_000, `${sum(files)} bytes`);
  });

  await check('an id of no mailing of the site is said to be none', async () => {
    await page.goto(`${server.console}/${WITHOUT}?period=day&mailing=${ids.token}`);
    await page.getByText('This site has no such mailing.').waitFor();
    await accessible(page);
  });
}
