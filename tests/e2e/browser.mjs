// Chromium with several visitors in it, and what none of them may do.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { chromium as playwright } from 'playwright-core';
import { chromium } from './chromium.mjs';

const require = createRequire(import.meta.url);
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

export async function launch() {
  const executablePath = chromium();
  assert.ok(executablePath, 'chromium is missing: `make test` says how to get it');
  const quiet = ['--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  const browser = await playwright.launch({
    executablePath,
    args: process.getuid?.() === 0 ? ['--no-sandbox', ...quiet] : quiet,
  });
  const major = browser.version().split('.')[0];
  return {
    browser,
    // A browser without a window calls itself one, and is taken for a bot.
    desktop: `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${major}.0.0.0 Safari/537.36`,
    phone: `Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${major}.0.0.0 Mobile Safari/537.36`,
  };
}

/** Notes what a context's pages complain about, and the requests that leave this machine. */
export function watch(context, origins) {
  const seen = { complaints: [], away: [], requests: [] };
  context.on('page', (page) => {
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) seen.complaints.push(message.text());
    });
    page.on('pageerror', (error) => seen.complaints.push(String(error)));
  });
  context.on('request', (request) => {
    const url = new URL(request.url());
    seen.requests.push(`${request.method()} ${url.pathname}`);
    if (!origins.includes(url.origin) && url.protocol !== 'data:') seen.away.push(url.href);
  });
  return seen;
}

/** What axe finds wrong with a page as it is now. */
export async function accessible(page) {
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run({
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`);
  });
  assert.deepEqual(violations, []);
}
