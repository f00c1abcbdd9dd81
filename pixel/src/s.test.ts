// The built tracker in a browser of a few lines. What a real one does with it is in tests/e2e.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';

const built = (name: string, suffix = '') => readFileSync(`pixel/dist/${name}.js${suffix}`);
const BUILT = String(built('s'));

interface Setup {
  url?: string;
  referrer?: string;
  cookie?: string;
  attributes?: Record<string, string>;
  hidden?: boolean;
  touch?: number;
  oldBrowser?: boolean;
  beacons?: boolean;
  globals?: Record<string, unknown>;
  script?: null;
  fetch?: () => unknown;
}

type Sent = { by: string; to: string; hit: Record<string, unknown> };

class Link {
  constructor(readonly host: string, readonly pathname: string) {}
  closest() {
    return this;
  }
}

/** A page that holds the tracker, and what it sent. */
function open(setup: Setup = {}) {
  const sent: Sent[] = [];
  let now = 1000;
  const location = new URL(setup.url ?? 'https://example.com/');
  const document: any = Object.assign(new EventTarget(), {
    currentScript: setup.script === null ? null : {
      src: 'https://stats.example.com/s.js',
      dataset: setup.attributes ?? { domain: 'example.com' },
    },
    referrer: setup.referrer ?? '',
    cookie: setup.cookie ?? '',
    hidden: setup.hidden ?? false,
    documentElement: { scrollHeight: 2000 },
    hasFocus: () => true,
  });
  const navigation = new EventTarget();
  const go = (_: unknown, __: unknown, to: string) => {
    location.href = new URL(to, location.href).href;
    if (!setup.oldBrowser) navigation.dispatchEvent(new Event('currententrychange'));
  };
  const window: any = Object.assign(new EventTarget(), {
    scrollY: 0,
    innerHeight: 500,
    ...(setup.oldBrowser ? {} : { navigation }),
    ...setup.globals,
  });
  const history: any = { pushState: go, replaceState: go };
  const note = (by: string) => (to: string | URL, what: any) => {
    sent.push({ by, to: String(to), hit: JSON.parse(what.body ?? what) });
    return by == 'fetch' ? Promise.resolve() : (setup.beacons ?? true);
  };
  runInNewContext(BUILT, {
    window,
    document,
    location,
    history,
    navigator: { sendBeacon: note('beacon'), maxTouchPoints: setup.touch ?? 0 },
    fetch: setup.fetch ?? note('fetch'),
    performance: { now: () => now },
    URL,
    URLSearchParams,
    Element: Link,
  });
  const fire = (target: EventTarget, type: string, fields = {}) =>
    target.dispatchEvent(Object.assign(new Event(type), fields));
  return {
    sent,
    window,
    document,
    history,
    hits: () => sent.map(({ hit }) => hit),
    names: () => sent.map(({ hit }) => hit.n),
    fire,
    pass: (ms: number) => (now += ms),
    show(visible: boolean) {
      document.hidden = !visible;
      fire(window, 'visibilitychange');
    },
    click(link: Link, button = 0) {
      const event = new Event(button ? 'auxclick' : 'click');
      Object.defineProperty(event, 'target', { value: link });
      Object.defineProperty(event, 'button', { value: button });
      window.dispatchEvent(event);
    },
  };
}

test('the committed scripts are what their source builds', async () => {
  const { NAMES, integrity, script } = await import(pathToFileURL(resolve('pixel/build.mjs')).href);
  assert.deepEqual(readdirSync('pixel/dist').length, NAMES.length * 4);
  for (const name of NAMES) {
    const text = await script(name);
    assert.equal(String(built(name)), text);
    assert.equal(String(brotliDecompressSync(built(name, '.br'))), text);
    assert.equal(String(gunzipSync(built(name, '.gz'))), text);
    assert.equal(String(built(name, '.sri')), integrity(text));
  }
});

test('the scripts are small', () => {
  const check = (name: string, most: number) => {
    const bytes = gzipSync(built(name), { level: 9 }).length;
    assert.ok(bytes <= most, `${name}: ${bytes} bytes gzipped`);
  };
  check('s', 1500);
  check('s.full', 2700);
});

test('a page view goes where the script came from, as a plain text', () => {
  const { sent } = open({ referrer: 'https://www.google.com/search?q=secret' });
  assert.deepEqual(sent, [
    {
      by: 'fetch',
      to: 'https://stats.example.com/api/event',
      hit: {
        n: 'pageview',
        u: 'https://example.com/',
        r: 'https://www.google.com',
        d: 'example.com',
        v: 1,
      },
    },
  ]);
});

test('of an address only what is counted leaves the browser', () => {
  const check = (url: string, expected: string, attributes?: Record<string, string>) =>
    assert.equal(open({ url, ...(attributes && { attributes }) }).hits()[0]!.u, expected);
  check('https://example.com/a?email=a@b.c&token=1#secret', 'https://example.com/a');
  check('https://example.com/?utm_source=x&utm_id=7&ref=y', 'https://example.com/?utm_source=x&ref=y');
  check('https://example.com/?gclid=abc&msclkid=def', 'https://example.com/?gclid=1&msclkid=1');
  check('https://example.com/?fbclid=abc&source=mail', 'https://example.com/?fbclid=1&source=mail');
  check('https://example.com/#/b', 'https://example.com/#/b', { domain: 'example.com', hash: '' });
});

test('who opted out is not told about, not even as a number', () => {
  const opened = open({ cookie: 'theme=dark; headcount_opt_out=1' });
  opened.window.headcount('Signup');
  opened.pass(5000);
  opened.fire(opened.window, 'pagehide');
  assert.deepEqual(opened.sent, []);
  assert.equal(open({ cookie: 'x_headcount_opt_out=1; headcount_opt_out=10' }).sent.length, 1);
});

for (const oldBrowser of [false, true]) {
  const kind = oldBrowser ? 'a wrapped history' : 'the Navigation API';
  test(`a new path in a page is a page view, by ${kind}`, () => {
    const opened = open({ oldBrowser });
    opened.history.pushState(null, '', '/next');
    opened.history.pushState(null, '', '/next?page=2');
    assert.deepEqual(opened.names(), ['pageview', 'engagement', 'pageview']);
    const last = opened.hits()[2]!;
    assert.deepEqual([last.u, last.r], ['https://example.com/next', 'https://example.com/']);
  });
}

test('time counts while the page is visible, and each second once', () => {
  const opened = open();
  opened.pass(4000);
  opened.show(false);
  opened.pass(60_000);
  opened.show(true);
  opened.pass(5000);
  opened.fire(opened.window, 'pagehide');
  opened.show(false);
  const reports = opened.sent.filter(({ hit }) => hit.n == 'engagement');
  assert.deepEqual(reports.map(({ hit }) => hit.e), [4000, 5000]);
  assert.deepEqual(reports.map(({ by }) => by), ['beacon', 'beacon']);
});

test('a report is sent for three seconds or for deeper scrolling, and not for less', () => {
  const opened = open();
  opened.pass(100);
  opened.fire(opened.window, 'pagehide');
  opened.pass(100);
  opened.fire(opened.window, 'pagehide');
  opened.window.scrollY = 1500;
  opened.fire(opened.window, 'scroll');
  opened.window.scrollY = 0;
  opened.fire(opened.window, 'pagehide');
  const reports = opened.hits().filter((hit) => hit.n == 'engagement');
  assert.deepEqual(reports.map((hit) => [hit.e, hit.sd]), [[100, 25], [100, 100]]);
});

test('a report that the beacon refuses goes by fetch', () => {
  const opened = open({ beacons: false });
  opened.fire(opened.window, 'pagehide');
  assert.deepEqual(opened.sent.map(({ by }) => by), ['fetch', 'beacon', 'fetch']);
});

test('a page that nobody sees yet is viewed when it is seen', () => {
  const hidden = open({ hidden: true });
  assert.deepEqual(hidden.names(), []);
  hidden.show(true);
  assert.deepEqual(hidden.names(), ['pageview']);
});

test('a page out of the back-forward cache is viewed again', () => {
  const opened = open();
  opened.fire(opened.window, 'pageshow', { persisted: false });
  assert.deepEqual(opened.names(), ['pageview']);
  opened.fire(opened.window, 'pageshow', { persisted: true });
  assert.deepEqual(opened.names(), ['pageview', 'engagement', 'pageview']);
});

test('an event carries properties, revenue and whether it is interactive', () => {
  const opened = open();
  const revenue = { amount: 9.9, currency: 'EUR' };
  opened.window.headcount('Buy', { props: { plan: 'pro' }, revenue, interactive: false });
  const { n, p, $, i } = opened.hits()[1]!;
  assert.deepEqual([n, p, $, i], ['Buy', { plan: 'pro' }, revenue, false]);
});

test('calls that came before the tracker are made up for', () => {
  const early = Object.assign(() => {}, { q: [['Early', { props: { a: 1 } }]] });
  assert.deepEqual(open({ globals: { headcount: early } }).names(), ['pageview', 'Early']);
});

test("Plausible's function is ours unless Plausible is there", () => {
  const alone = open();
  alone.window.plausible('A');
  assert.deepEqual(alone.names(), ['pageview', 'A']);

  const stub: any = function () {
    (stub.q = stub.q || []).push(arguments);
  };
  stub('B');
  const stubbed = open({ globals: { plausible: stub } });
  stubbed.window.plausible('C');
  assert.deepEqual(stubbed.names(), ['pageview', 'B', 'C']);

  const real = () => {};
  assert.equal(open({ globals: { plausible: real } }).window.plausible, real);
});

test('a second tracker on the page stays silent', () => {
  const running = Object.assign(() => {}, { l: 1 });
  assert.deepEqual(open({ globals: { headcount: running } }).sent, []);
});

test('a manual page is viewed when it says so', () => {
  const opened = open({ attributes: { domain: 'example.com', manual: '' } });
  assert.deepEqual(opened.names(), []);
  opened.window.headcount('pageview', { u: '/virtual?x=1' });
  assert.equal(opened.hits()[0]!.u, 'https://example.com/virtual');
});

test('outbound links and downloads are events with host and path', () => {
  const check = (link: Link, button: number, expected: unknown[]) => {
    const opened = open();
    opened.click(link, button);
    assert.deepEqual(opened.hits().slice(1).map(({ n, p }) => [n, p]), expected);
  };
  const away = new Link('other.example', '/a');
  check(away, 0, [['Outbound Link: Click', { url: 'other.example/a' }]]);
  check(away, 1, [['Outbound Link: Click', { url: 'other.example/a' }]]);
  check(away, 2, []);
  check(new Link('example.com', '/b'), 0, []);
  check(new Link('', ''), 0, []);
  check(new Link('example.com', '/c.PDF'), 0, [['File Download', { url: 'example.com/c.PDF' }]]);
  check(new Link('other.example', '/d.zip'), 0, [['File Download', { url: 'other.example/d.zip' }]]);
});

test('what is not wanted is not counted', () => {
  const opened = open({ attributes: { domain: 'example.com', without: 'outbound files' } });
  opened.click(new Link('other.example', '/a'));
  opened.click(new Link('example.com', '/c.pdf'));
  assert.deepEqual(opened.names(), ['pageview']);
});

test('a device with a screen to touch says so', () => {
  const check = (touch: number, expected: unknown) => assert.equal(open({ touch }).hits()[0]!.t, expected);
  check(0, undefined);
  check(1, undefined);
  check(5, 1);
});

test('a page does not learn of what goes wrong', async () => {
  const opened = open();
  const { headcount } = opened.window;
  const cyclic: any = {};
  cyclic.self = cyclic;
  headcount('A', { u: 'http://[' });
  headcount('A', { props: cyclic });
  headcount('pageview', { u: 'http://[' });
  headcount('A', null);
  headcount();
  await new Promise((resolve) => headcount('A', { props: cyclic, callback: resolve }));
  opened.document.documentElement = null;
  opened.fire(opened.window, 'pagehide');
  assert.deepEqual(opened.names().filter((name) => name == 'A'), []);
  open({ script: null });
  open({ fetch: () => { throw new Error('gone'); } });
  await new Promise((resolve) => open({ fetch: () => Promise.reject(new Error('away')) }).window.headcount('A', { callback: resolve }));
});
