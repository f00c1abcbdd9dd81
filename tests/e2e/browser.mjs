// Chromium with several visitors in it, and what none of them may do.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium as playwright } from 'playwright-core';
import { chromium } from './chromium.mjs';

const require = createRequire(import.meta.url);
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const executablePath = chromium();
assert.ok(executablePath, 'chromium is missing: `make test` says how to get it');

const QUIET = [
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
];

const major = /\d+/.exec(execFileSync(executablePath, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))[0];
const chrome = (system, kind = '') =>
  `Mozilla/5.0 (${system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${major}.0.0.0${kind} Safari/537.36`;

/** A browser without a window calls itself one, and is taken for a bot. */
export const AGENTS = {
  desktop: chrome('X11; Linux x86_64'),
  phone: chrome('Linux; Android 10; K', ' Mobile'),
  firefox: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  bot: 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
};

/** A browser of this user agent. One that a page sets for itself is not that of its last beacon. */
export function launch(agent, options) {
  return playwright.launch({ executablePath, args: [`--user-agent=${agent}`, ...QUIET], ...options });
}

/** A browser that nobody drives: what happens in it, its first page does. Playwright forbids pages
 * to be rendered in advance, and keeps them all in front. Returns what ends it. */
export function roam(url) {
  const profile = mkdtempSync(join(tmpdir(), 'headcount-browser-'));
  const flags = ['--headless=new', `--user-data-dir=${profile}`, '--disable-popup-blocking', ...QUIET];
  const child = spawn(executablePath, [...flags, url], { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  child.stderr.resume();
  // Its last process has closed it, and writes to the profile no more.
  const ended = new Promise((resolve) => child.stderr.on('close', resolve));
  return async () => {
    process.kill(-child.pid, 'SIGKILL');
    await ended;
    rmSync(profile, { recursive: true, force: true });
  };
}

/** Notes what a context's pages complain about, and the requests that leave this machine. */
export function watch(context, origins) {
  const seen = { complaints: [], away: [], requests: [] };
  context.on('page', (page) => {
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) {
        seen.complaints.push(`${message.text()} ${message.location().url}`);
      }
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

/** Waits until a dashboard's cards and chart stand where they will: a press must not slide off. */
export async function still(page) {
  await page.locator('.plot svg').waitFor();
  await page.waitForFunction(() => !document.querySelector('.reports [aria-busy="true"]'));
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
