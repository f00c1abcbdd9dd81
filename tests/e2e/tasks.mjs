// What marketing comes for in the morning: four questions, each answered in at most three steps,
// with a mouse and without.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { AGENTS, still } from './browser.mjs';

const SITE = 'shop.example';
const DAY_MS = 86_400_000;
const STEPS_MAX = 3;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** A line of an access log: one visitor of one day. */
function line(daysAgo, address, referrer, agent) {
  const at = new Date(Date.now() - daysAgo * DAY_MS);
  const date = `${String(at.getUTCDate()).padStart(2, '0')}/${MONTHS[at.getUTCMonth()]}/${at.getUTCFullYear()}`;
  return `${address} - - [${date}:12:00:00 +0000] "GET /lanterns HTTP/1.1" 200 512 "${referrer}" "${agent}"\n`;
}

/** A site with a fortnight out of a log, and with hits of today. */
async function shop(server) {
  server.command(['site', 'add', SITE]);
  const log = [];
  for (let day = 13; day > 0; day -= 1) {
    // Search engines in the last week, a newsletter's site before that.
    const referrer = day > 7 ? 'https://news.ycombinator.com/' : 'https://www.google.com/';
    for (let visitor = 1; visitor <= 5; visitor += 1) {
      const agent = visitor % 2 ? AGENTS.phone : AGENTS.desktop;
      log.push(line(day, `84.140.${day}.${visitor}`, referrer, agent));
      if (visitor < 3) log.push(line(day, `73.110.${day}.${visitor}`, '-', agent));
    }
  }
  const path = server.file('access.log');
  writeFileSync(path, log.join(''));
  server.command(['import', 'access-log', path, '--site', SITE]);

  const hit = async (visitor, body) => {
    const headers = { 'x-forwarded-for': `192.0.2.${visitor}`, 'user-agent': AGENTS.desktop };
    const sent = { d: SITE, ...body, u: `https://${SITE}${body.u}` };
    const answer = await fetch(`${server.ingest}/api/event`, { method: 'POST', headers, body: JSON.stringify(sent) });
    assert.equal(answer.status, 202);
  };
  for (const [visitor, campaign] of [[1, 'autumn'], [2, 'spring'], [3, 'autumn']]) {
    await hit(visitor, { n: 'pageview', u: `/?utm_source=mail&utm_medium=email&utm_campaign=${campaign}` });
    await hit(visitor, { n: 'engagement', u: '/', e: 4000, sd: 50 });
    await hit(visitor, { n: 'pageview', u: '/guide' });
    await hit(visitor, { n: 'engagement', u: '/guide', e: 95_000, sd: 90 });
  }
}

/** Moves on with the tabulator until `wanted` has the focus. */
async function tabTo(page, wanted) {
  for (let presses = 0; presses < 300; presses += 1) {
    if (await wanted.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  assert.fail('the keyboard does not reach it');
}

/** Two ways to work a page; each counts its steps. */
const hands = (page) => ({
  'with the mouse': {
    press: async (wanted) => {
      await wanted.waitFor();
      await still(page);
      await wanted.click();
    },
    period: (name) => page.locator('.boxed select').selectOption({ label: name }),
  },
  'with the keyboard': {
    press: async (wanted) => {
      await wanted.waitFor();
      await tabTo(page, wanted);
      await page.keyboard.press('Enter');
    },
    period: (name) => page.keyboard.press({ 'Last 7 days': 'w', 'This month': 'm', 'Last 28 days': 'f' }[name]),
  },
});

const first = (page, report) => page.locator(`.reports > [data-report="${report}"] tbody tr`).first();
const value = (row) => row.getAttribute('data-value');
const row = (page, report, value) => page.locator(`[data-report="${report}"] tr[data-value="${value}"] th button`);
const column = (page, report, name) => page.locator(`[data-report="${report}"] thead button`, { hasText: new RegExp(`^${name}$`) });

const QUESTIONS = {
  'the top source of last week': async (page, hand) => {
    await hand.period('Last 7 days');
    await row(page, 'sources', 'Google').waitFor();
    assert.equal(await value(first(page, 'sources')), 'Google');
  },
  'the page with the longest time': async (page, hand) => {
    await hand.press(column(page, 'pages', 'Time'));
    await page.locator('.reports > [data-report="pages"] tbody tr:first-child[data-value="/guide"]').waitFor();
    assert.equal(await first(page, 'pages').locator('td').nth(2).textContent(), '1m 35s');
  },
  'visitors from Germany on phones': async (page, hand) => {
    await hand.period('Last 28 days');
    await hand.press(row(page, 'places', 'DE'));
    await hand.press(row(page, 'devices', 'Mobile'));
    await page.locator('[data-metric="visitors"] .figure', { hasText: /^39$/ }).waitFor();
  },
  'which campaign brought the most visits this month': async (page, hand) => {
    await hand.period('This month');
    await hand.press(column(page, 'campaigns', 'Visits'));
    await page.locator('.reports > [data-report="campaigns"] tbody tr:first-child[data-value="autumn"]').waitFor();
    assert.equal(await first(page, 'campaigns').locator('td').nth(1).textContent(), '2');
  },
};

/** Asks the four questions of the page. */
export async function tasks(server, page, check) {
  await check('a site is filled out of a log, beside what it counts live', () => shop(server));
  for (const [name, ask] of Object.entries(QUESTIONS)) {
    for (const [way, hand] of Object.entries(hands(page))) {
      await check(`${name}, ${way}`, async () => {
        await page.goto(`${server.console}/${SITE}?period=day`);
        await first(page, 'pages').waitFor();
        let steps = 0;
        const counted = Object.fromEntries(
          Object.entries(hand).map(([name, act]) => [name, (...wanted) => ((steps += 1), act(...wanted))]),
        );
        await ask(page, counted);
        assert.ok(steps <= STEPS_MAX, `${steps} steps`);
      });
    }
  }
}
