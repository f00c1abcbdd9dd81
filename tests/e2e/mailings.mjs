// Mailings in a real browser, as they were and as they are wrapped: the same picture, one request more.
//
//   node tests/e2e/mailings.mjs

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { AGENTS, launch } from './browser.mjs';
import { check, finish } from './suite.mjs';

const FOLDER = new URL('../mailings/', import.meta.url);
const PIXEL = 'https://stats.example/e/o/7kq3.gif?a=1&b=2';
const GIF = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==', 'base64');
// A picture in the mailing: it has the size that the mailing gives it.
const SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9" fill="teal"/></svg>';

const read = (name) => readFileSync(new URL(name, FOLDER), 'utf8');
const browser = await launch(AGENTS.desktop);

/** What a mail client shows of a mailing, and asks for. Mail has no scripts. */
async function rendered(html, options) {
  const context = await browser.newContext({ ...options, javaScriptEnabled: false });
  try {
    const page = await context.newPage();
    const asked = [];
    await page.route('**', (route) => {
      const url = route.request().url();
      if (url === 'https://mail.example/') return route.fulfill({ contentType: 'text/html; charset=utf-8', body: html });
      asked.push(url);
      if (url === PIXEL) return route.fulfill({ contentType: 'image/gif', body: GIF });
      return route.fulfill({ contentType: 'image/svg+xml', body: SVG });
    });
    await page.goto('https://mail.example/', { waitUntil: 'load' });
    const picture = await page.screenshot({ fullPage: true, animations: 'disabled' });
    const { size, elements } = await page.evaluate(() => {
      const { scrollWidth, scrollHeight } = document.documentElement;
      const attributes = (it) => it.getAttributeNames().map((name) => [name, it.getAttribute(name)]);
      const told = (it) => ({ name: it.localName, attributes: Object.fromEntries(attributes(it)), box: { ...it.getBoundingClientRect().toJSON() } });
      return { size: [scrollWidth, scrollHeight], elements: [...document.querySelectorAll('*')].map(told) };
    });
    return { picture, size, asked: asked.sort(), elements };
  } finally {
    await context.close();
  }
}

/** An element but for what wrapping may change. */
function unlinked({ name, attributes, box }) {
  const { href, 'data-notrack': notrack, ...others } = attributes;
  return { name, attributes: others, linked: href !== undefined, box };
}

const SCREENS = {
  'on a desk': { viewport: { width: 900, height: 700 }, colorScheme: 'light' },
  'on a phone in the dark': { viewport: { width: 380, height: 700 }, colorScheme: 'dark' },
};

try {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.wrapped.html'));
  assert.ok(names.length > 0, 'there are mailings');
  for (const name of names) {
    for (const [screen, options] of Object.entries(SCREENS)) {
      const mailing = name.replace('.wrapped.html', '');
      await check(`the ${mailing} ${screen} is the same but for its pixel`, async () => {
        const before = await rendered(read(`${mailing}.html`), options);
        const after = await rendered(read(name), options);
        const isPixel = ({ attributes }) => attributes.src === PIXEL;
        assert.equal(after.elements.filter(isPixel).length, 1);
        const others = after.elements.filter((it) => !isPixel(it));
        assert.deepEqual(others.map(unlinked), before.elements.map(unlinked));
        assert.deepEqual(after.size, before.size);
        assert.ok(after.picture.equals(before.picture), 'the pictures differ');
        assert.deepEqual(after.asked, [...before.asked, PIXEL].sort());
      });
    }
  }
} finally {
  await browser.close();
}

process.exitCode = finish() ? 0 : 1;
