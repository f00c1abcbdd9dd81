// The tracker in a real browser, feature by feature, on pages that allow nothing inline.
//
//   node tests/e2e/tracker.mjs

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { AGENTS, launch, roam, watch } from './browser.mjs';
import { core, full, serve } from './fixture.mjs';
import { check, finish } from './suite.mjs';

const site = await serve();
const away = await serve();
// Playwright turns the back-forward cache off.
const browser = await launch(AGENTS.desktop, { ignoreDefaultArgs: ['--disable-back-forward-cache'] });
const CLICKS = `<script defer src="/still.js"></script>`;
const TALL = '<link rel="stylesheet" href="/tall.css">';

// The page stays where it is; what was clicked is told all the same.
site.page('/still.js', "addEventListener('click', (event) => event.preventDefault())", { type: 'text/javascript' });
site.page('/tall.css', 'html { height: 4000px }', { type: 'text/css' });
site.page('/', core('data-domain="example.com"'));
site.page('/full', full());

/** One check on a page of its own, which complains about nothing and keeps nothing. */
function scene(name, run, { before, complains = () => false, ...options } = {}) {
  return check(name, async () => {
    const context = await browser.newContext(options);
    context.setDefaultTimeout(20_000);
    const seen = watch(context, [site.origin, away.origin]);
    if (before) await context.addInitScript(before);
    const page = await context.newPage();
    site.clear();
    try {
      await run({ page, context, go: (path) => page.goto(site.origin + path), ...seen });
      assert.deepEqual(seen.complaints.filter((text) => !complains(text)), []);
      const { cookies, origins } = await context.storageState({ indexedDB: true });
      assert.deepEqual([cookies.filter(({ name }) => name !== 'headcount_opt_out'), origins], [[], []]);
      if (!page.url().startsWith('about:')) assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    } finally {
      await context.close();
    }
  });
}

const said = ({ headers, d, v, ...hit }) => hit;
const paths = (hits) => hits.filter(({ n }) => n === 'pageview').map(({ u }) => u.replace(site.origin, ''));

/** A page's visibility as it is told, since every page of a driven browser stays in front. */
const show = (page, visible) =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
    Object.defineProperty(document, 'visibilityState', { value: hidden ? 'hidden' : 'visible', configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, !visible);

const focus = (page, focused) =>
  page.evaluate((focused) => {
    document.hasFocus = () => focused;
    dispatchEvent(new Event(focused ? 'focus' : 'blur'));
  }, focused);

try {
  await scene('a page view says origin, path and campaign, and nothing else', async ({ go }) => {
    await go('/?utm_source=mail&gclid=secret&email=a@example.org#part');
    const { headers, ...hit } = await site.hit('pageview');
    const u = `${site.origin}/?utm_source=mail&gclid=1`;
    assert.deepEqual(hit, { n: 'pageview', u, r: '', d: 'example.com', v: 1 });
    assert.equal(headers['content-type'], 'text/plain;charset=UTF-8');
    assert.equal(headers.cookie, undefined);
  });

  for (const old of [false, true]) {
    const kind = old ? 'a browser without the Navigation API' : 'the Navigation API';
    const before = old ? () => Object.defineProperty(globalThis, 'navigation', { value: undefined }) : undefined;
    await scene(`steps in a page are page views once each, by ${kind}`, async ({ page, go }) => {
      await go('/');
      await page.evaluate(() => {
        history.pushState(null, '', '/one');
        history.pushState(null, '', '/one?page=2');
        history.replaceState({ scroll: 7 }, '', '/one?page=2');
        history.pushState(null, '', '/two');
      });
      await page.goBack();
      await page.goBack();
      await page.goBack();
      const hits = await site.settled(page);
      assert.deepEqual(paths(hits), ['/', '/one', '/two', '/one', '/']);
      assert.equal(hits.filter(({ n }) => n === 'pageview')[2].r, `${site.origin}/one`);
    }, { before });
  }

  await scene('a replaced path is a page view by the Navigation API', async ({ page, go }) => {
    await go('/');
    await page.evaluate(() => history.replaceState(null, '', '/en'));
    assert.deepEqual(paths(await site.settled(page)), ['/', '/en']);
  });

  await scene('where asked for, the part after # is a page', async ({ page, go }) => {
    site.page('/hash', core('data-hash'));
    await go('/hash#/a');
    await page.evaluate(() => (location.hash = '#/b'));
    await page.goBack();
    assert.deepEqual(paths(await site.settled(page)), ['/hash#/a', '/hash#/b', '/hash#/a']);
  });

  await scene('a page out of the back-forward cache is viewed again', async ({ page, go }) => {
    // A browser that is short of memory drops what it cached.
    for (let left = 5; left > 0; left -= 1) {
      site.clear();
      await go('/');
      await site.hit('pageview');
      await page.evaluate(() => (globalThis.alive = true));
      await go('/full');
      await site.hit(({ n, u }) => n === 'pageview' && u.endsWith('/full'));
      site.clear();
      await page.evaluate(() => history.back());
      await site.hit(({ n, u }) => n === 'pageview' && u === `${site.origin}/`);
      if (await page.evaluate(() => globalThis.alive)) break;
      assert.ok(left > 1, 'it came out of the cache');
    }
    assert.deepEqual(paths(await site.settled(page)), ['/']);
  });

  await check('a page that is rendered in advance is counted once, when it is looked at', async () => {
    site.clear();
    const rules = JSON.stringify({ prerender: [{ urls: ['/ready'], eagerness: 'immediate' }] });
    site.page('/rules', rules, { type: 'application/speculationrules+json' });
    const begin = core() + '<script defer src="/begin.js"></script>';
    site.page('/begin', begin, { headers: { 'speculation-rules': '"/rules"' } });
    site.page('/ready', full() + '<script defer src="/ready.js"></script>');
    const script = { type: 'text/javascript' };
    site.page('/begin.js', "const look = async () => (await fetch('/go')).ok ? (location.href = '/ready') : setTimeout(look, 50); look()", script);
    site.page(
      '/ready.js',
      `if (document.prerendering) headcount('prerendered');
       document.addEventListener('prerenderingchange', () => headcount('activated'));`,
      script,
    );
    const end = roam(`${site.origin}/begin`);
    try {
      await site.hit('prerendered');
      // The page in front and the one behind it load at once: either may be first.
      await site.hit('pageview');
      assert.deepEqual(paths(site.hits), ['/begin']);
      site.page('/go', '');
      await site.hit('activated');
      await site.hit(({ n, u }) => n === 'pageview' && u.endsWith('/ready'));
      assert.deepEqual(paths(site.hits), ['/begin', '/ready']);
    } finally {
      await end();
    }
  });

  await scene('a page in the background is viewed when it is seen', async ({ page, go }) => {
    await go('/full');
    await page.waitForFunction(() => globalThis.headcount?.l);
    assert.deepEqual(await site.settled(page), []);
    await show(page, true);
    await site.hit('pageview');
    assert.deepEqual(paths(await site.settled(page)), ['/full']);
  }, { before: () => Object.defineProperty(document, 'hidden', { value: true, configurable: true }) });

  await scene('time counts while a page is visible and has the focus, each second once', async ({ page, go }) => {
    await page.clock.install();
    await go('/');
    await site.hit('pageview');
    await page.clock.pauseAt(Date.now() + 60_000);
    await focus(page, false);
    await focus(page, true);
    await show(page, false);
    // What the clock was set forward by.
    await site.hit('engagement');
    site.clear();
    const reports = () => site.hits.filter(({ n }) => n === 'engagement').map(({ e }) => e);
    const part = async (ms) => page.clock.runFor(ms);
    await show(page, true);
    await part(4000);
    await focus(page, false);
    await part(60_000);
    await focus(page, true);
    await part(2000);
    await show(page, false);
    await site.hit('engagement');
    await part(60_000);
    await show(page, true);
    await part(3000);
    await page.goto('about:blank');
    await site.hit(({ e }) => e === 3000);
    assert.deepEqual(reports(), [6000, 3000]);
  });

  await scene('how far a page was scrolled is told when it is left', async ({ page, go }) => {
    site.page('/tall', core() + TALL);
    await go('/tall');
    await page.evaluate(() => scrollTo(0, 1500));
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    await page.evaluate(() => scrollTo(0, 0));
    const height = await page.evaluate(() => innerHeight);
    await page.goto('about:blank');
    const { sd, u } = await site.hit('engagement');
    assert.deepEqual([sd, u], [Math.round(((1500 + height) / 4000) * 100), `${site.origin}/tall`]);
  });

  await scene('events carry properties, money and whether they are interactive', async ({ page, go }) => {
    await go('/');
    const status = await page.evaluate(
      () =>
        new Promise((resolve) =>
          globalThis.headcount('Buy', {
            props: { plan: 'pro', seats: 3, trial: false },
            revenue: { amount: '9.90', currency: 'EUR' },
            interactive: false,
            callback: () => resolve('called'),
          }),
        ),
    );
    assert.equal(status, 'called');
    const { p, $, i, u } = await site.hit('Buy');
    assert.deepEqual([p, $, i], [{ plan: 'pro', seats: 3, trial: false }, { amount: '9.90', currency: 'EUR' }, false]);
    assert.equal(u, `${site.origin}/`);
  });

  await scene('calls before the tracker came are made up for, by our name and by Plausible’s', async ({ page, go }) => {
    const stub = (name) => `window.${name} = window.${name} || function () { (${name}.q = ${name}.q || []).push(arguments) };`;
    site.page('/stub.js', `${stub('headcount')} ${stub('plausible')} headcount('A'); plausible('B', { props: { c: 1 } })`, { type: 'text/javascript' });
    site.page('/stubbed', '<script src="/stub.js"></script>' + core());
    await go('/stubbed');
    await page.waitForFunction(() => globalThis.headcount.l);
    await page.evaluate(() => globalThis.plausible('D'));
    await site.hit('D');
    assert.deepEqual(site.names().sort(), ['A', 'B', 'D', 'pageview']);
    assert.deepEqual(site.hits.find(({ n }) => n === 'B').p, { c: 1 });
  });

  await scene('a link that leads away is told by any way of clicking it', async ({ page, go, context }) => {
    away.page('/there', 'There');
    const link = (more) => `<a href="${away.origin}/there?secret=1" ${more}>`;
    site.page('/links', core() + `${link('id="same"')}Same</a> ${link('id="tab" target="_blank"')}<b>Tab</b></a> <a href="/" id="own">Own</a> <a href="mailto:a@example.org" id="mail">Mail</a>`);
    await go('/links');
    const url = `${away.origin.replace('http://', '')}/there`;
    const opened = (act) => Promise.all([context.waitForEvent('page'), act()]).then(([other]) => other.close());
    const clicks = () => site.hits.filter(({ n }) => n === 'Outbound Link: Click').map(({ p }) => p);
    await opened(() => page.click('#tab b'));
    await opened(() => page.click('#same', { modifiers: ['ControlOrMeta'] }));
    await opened(() => page.click('#same', { button: 'middle' }));
    await page.click('#same', { button: 'right' });
    await site.settled(page);
    assert.deepEqual(clicks(), [{ url }, { url }, { url }]);
    site.clear();
    await page.focus('#same');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/there?*', { waitUntil: 'commit' });
    assert.deepEqual((await site.hit('Outbound Link: Click')).p, { url });
  });

  await scene('a download is told, and a link within the site is not', async ({ page, go }) => {
    site.page('/files', core() + CLICKS + `<a href="/plan.PDF?key=1" id="file">Plan</a> <a href="/" id="own">Own</a>`);
    await go('/files');
    await page.click('#own');
    await page.click('#file');
    const hits = await site.settled(page);
    const [, ...clicks] = hits.map(said);
    const url = `${site.origin.replace('http://', '')}/plan.PDF`;
    assert.deepEqual(clicks, [{ n: 'File Download', u: `${site.origin}/files`, p: { url } }]);
  });

  await scene('what is not wanted is not told', async ({ page, go }) => {
    site.page('/less', full('data-without="outbound files 404 forms search tagged vitals"') + CLICKS + `<a href="/plan.pdf" class="headcount-event-name=Plan">Plan</a>`, { status: 404 });
    await go('/less?q=lamp');
    await page.click('a');
    await show(page, false);
    assert.deepEqual((await site.settled(page)).map(({ n }) => n), ['pageview', 'engagement']);
  }, { complains: (text) => /404/.test(text) });

  await scene('a page that is not there is told, and stays a bounce', async ({ page, go }) => {
    await go('/nowhere');
    await page.evaluate(() => history.pushState(null, '', '/full'));
    const hits = (await site.settled(page)).map(said).filter(({ n }) => n !== 'engagement');
    const r = `${site.origin}/nowhere`;
    assert.deepEqual(hits, [
      { n: 'pageview', u: r, r: '' },
      { n: '404', u: r, i: false },
      { n: 'pageview', u: `${site.origin}/full`, r },
    ]);
  }, { complains: (text) => /404/.test(text) });

  await scene('a form that is sent is told by its name, never by what is in it', async ({ page, go }) => {
    const form = (attributes) => `<form method="post" ${attributes}><input name="id" value="secret"><button>Send</button></form>`;
    site.page('/forms', full() + form('id="contact"') + form('name="second"') + form('class="none"') + '<script defer src="/stay.js"></script>');
    site.page('/stay.js', "addEventListener('submit', (event) => { event.preventDefault(); event.stopImmediatePropagation() }, true)", { type: 'text/javascript' });
    await go('/forms');
    for (const at of [0, 1, 2]) await page.locator('form button').nth(at).click();
    const told = (await site.settled(page)).filter(({ n }) => n === 'Form: Submission');
    assert.deepEqual(told.map(({ p }) => p), [{ form: 'contact' }, { form: 'second' }, {}]);
    assert.ok(!JSON.stringify(site.hits.map(said)).includes('secret'));
  });

  await scene('a search is told by the address of what was found', async ({ page, go }) => {
    site.page('/find', full('data-search="term other"'));
    await go('/full?q=%20garden+lamp');
    const { p, i, u } = await site.hit('Site Search');
    assert.deepEqual([p, i, u], [{ query: 'garden lamp' }, false, `${site.origin}/full`]);
    site.clear();
    await go('/find?q=lamp&other=shade');
    assert.deepEqual((await site.hit('Site Search')).p, { query: 'shade' });
  });

  await scene('a search while one types is told when typing stops', async ({ page, go }) => {
    await page.clock.install();
    await go('/full');
    await site.hit('pageview');
    for (const query of ['l', 'la', 'lam', 'lamp']) {
      await page.evaluate((query) => history.replaceState(null, '', `/full?q=${query}`), query);
      await page.clock.runFor(300);
    }
    assert.ok(!(await site.settled(page)).some(({ n }) => n === 'Site Search'));
    await page.clock.runFor(1000);
    await site.hit('Site Search');
    const searches = site.hits.filter(({ n }) => n === 'Site Search');
    assert.deepEqual(searches.map(({ p }) => p), [{ query: 'lamp' }]);
  });

  await scene('elements name their events by their classes, ours or Plausible’s', async ({ page, go }) => {
    site.page(
      '/tagged',
      full() +
        `<button id="a" class="big headcount-event-name=Sign+up headcount-event-plan=pro"><i>Go</i></button>
         <a id="b" href="#x" class="plausible-event-name--Buy plausible-revenue-amount=9.90 plausible-revenue-currency=EUR">Buy</a>
         <form class="plausible-event-name=Ask"><input id="c"><button id="d">Send</button></form>
         <button id="e" class="plausible-event-position=top">None</button>
         <script defer src="/stay.js"></script>`,
    );
    await go('/tagged');
    await page.click('#a i');
    await page.click('#b');
    await page.click('#c');
    await page.click('#d');
    await page.click('#e');
    const told = (await site.settled(page)).map(said).filter(({ n }) => !/pageview|engagement|Form/.test(n));
    assert.deepEqual(
      told.map(({ n, p, $ }) => [n, p, $]),
      [
        ['Sign up', { plan: 'pro' }, undefined],
        ['Buy', {}, { amount: '9.90', currency: 'EUR' }],
        ['Ask', {}, undefined],
      ],
    );
  });

  await scene('web vitals are one event with rounded figures, when a page is left', async ({ page, go }) => {
    site.page('/slow', full() + '<h1>Slow</h1><button>Press</button><script defer src="/slow.js"></script><link rel="stylesheet" href="/tall.css">');
    // A slow answer to a click, and a shift that no input caused.
    site.page(
      '/slow.js',
      `const busy = (ms) => { for (const end = performance.now() + ms; performance.now() < end;); };
       document.querySelector('button').addEventListener('click', () => busy(120));
       globalThis.shift = () => { const p = document.createElement('p'); p.append('x'); p.style.height = '300px'; document.body.prepend(p); };`,
      { type: 'text/javascript' },
    );
    await go('/slow');
    const frame = () => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
    await frame();
    await page.evaluate(() => globalThis.shift());
    await frame();
    const measured = page.evaluate(
      () => new Promise((resolve) => new PerformanceObserver(resolve).observe({ type: 'event', durationThreshold: 104 })),
    );
    await page.click('button');
    await measured;
    await frame();
    assert.ok(!site.names().includes('Web Vitals'));
    await show(page, false);
    await show(page, true);
    await page.goto('about:blank');
    const { p, i } = await site.hit('Web Vitals');
    assert.equal(i, false);
    assert.deepEqual(Object.keys(p).sort(), ['CLS', 'FCP', 'INP', 'LCP', 'TTFB']);
    assert.ok(p.INP >= 120 && p.INP < 2000 && p.INP % 10 === 0, `INP ${p.INP}`);
    assert.ok(p.CLS > 0 && p.CLS <= 1 && String(p.CLS).length <= 4, `CLS ${p.CLS}`);
    for (const name of ['TTFB', 'FCP', 'LCP']) assert.ok(p[name] >= 0 && p[name] < 60_000 && p[name] % 100 === 0, `${name} ${p[name]}`);
    assert.ok(p.TTFB <= p.FCP && p.FCP <= p.LCP);
    assert.equal(site.names().filter((name) => name === 'Web Vitals').length, 1);
  });

  await scene('who opted out sends nothing', async ({ page, go, context }) => {
    await context.addCookies([{ name: 'headcount_opt_out', value: '1', url: site.origin }]);
    await go('/full?q=lamp');
    await page.evaluate(() => new Promise((callback) => globalThis.headcount('Signup', { callback })));
    await page.goto('about:blank');
    await go('/tall.css');
    assert.deepEqual(site.hits, []);
  });

  await scene('a browser’s wish not to be tracked comes with every hit', async ({ page, go }) => {
    await go('/');
    const hits = await site.settled(page);
    assert.deepEqual(hits.map(({ headers }) => headers['sec-gpc']), ['1']);
  }, { extraHTTPHeaders: { 'sec-gpc': '1' } });

  await scene('a device with a screen to touch says so', async ({ page, go, context }) => {
    const devtools = await context.newCDPSession(page);
    await devtools.send('Emulation.setTouchEmulationEnabled', { enabled: true, maxTouchPoints: 5 });
    await go('/');
    assert.equal((await site.hit('pageview')).t, 1);
  });

  await scene('a manual page is viewed when it says so', async ({ page, go }) => {
    site.page('/manual', core('data-manual'));
    await go('/manual');
    assert.deepEqual(await site.settled(page), []);
    await page.evaluate(() => globalThis.headcount('pageview', { u: '/made-up' }));
    assert.deepEqual(paths(await site.settled(page)), ['/made-up']);
  });

  await scene('a page that pins the script runs it, and runs no other', async ({ page, go }) => {
    const script = readFileSync(new URL('../../pixel/dist/s.js', import.meta.url));
    const integrity = (bytes) => `sha384-${createHash('sha384').update(bytes).digest('base64')}`;
    const pinned = (value) => `<script defer src="${away.origin}/s.js" data-api="/api/event" integrity="${value}" crossorigin="anonymous"></script>`;
    const headers = { 'content-security-policy': `default-src 'none'; script-src ${away.origin}; connect-src 'self'` };
    const sri = readFileSync(new URL('../../pixel/dist/s.js.sri', import.meta.url), 'utf8');
    assert.equal(sri, integrity(script));
    site.page('/pinned', pinned(sri), { headers });
    site.page('/tampered', pinned(integrity('another')), { headers });
    await go('/pinned');
    await site.hit('pageview');
    site.clear();
    await go('/tampered');
    assert.equal(await page.evaluate(() => typeof globalThis.headcount), 'undefined');
    assert.deepEqual(paths(site.hits), []);
  }, { complains: (text) => /integrity/.test(text) });

  await scene('a server that is away is nobody’s error', async ({ page, go }) => {
    const gone = await serve();
    gone.close();
    site.page('/gone', core(`data-api="${gone.origin}/api/event"`), {
      headers: { 'content-security-policy': `default-src 'none'; script-src 'self'; connect-src ${gone.origin}` },
    });
    await go('/gone');
    await page.evaluate(() => new Promise((callback) => globalThis.headcount('A', { callback })));
    await page.evaluate(() => history.pushState(null, '', '/on'));
    await page.goto('about:blank');
  }, { complains: (text) => /ERR_CONNECTION_REFUSED/.test(text) });

  await scene('a policy that forbids the hits is nobody’s error', async ({ page, go }) => {
    site.page('/shut', core(), { headers: { 'content-security-policy': "default-src 'none'; script-src 'self'" } });
    await go('/shut');
    await page.evaluate(() => new Promise((callback) => globalThis.headcount('A', { callback })));
    assert.deepEqual(site.hits, []);
  }, { complains: (text) => /Content Security Policy|violates/.test(text) });

  await scene('a page’s own errors and what it stops stay its own', async ({ page, go, complaints }) => {
    site.page('/own', core() + '<a href="/x.pdf">File</a><script defer src="/own.js"></script>');
    site.page(
      '/own.js',
      `globalThis.caught = [];
       addEventListener('error', (event) => caught.push(event.message));
       document.querySelector('a').addEventListener('click', (event) => {
         caught.push(event.defaultPrevented);
         event.preventDefault();
         event.stopImmediatePropagation();
         throw new Error('mine');
       });`,
      { type: 'text/javascript' },
    );
    await go('/own');
    await page.click('a');
    await site.hit('File Download');
    assert.deepEqual(await page.evaluate(() => globalThis.caught), [false, 'Uncaught Error: mine']);
    // What a page says wrongly is not thrown at it.
    await page.evaluate(() => {
      globalThis.headcount();
      globalThis.headcount('A', null);
      globalThis.headcount('A', { u: 'http://[' });
      globalThis.headcount('A', { props: { big: 1n } });
    });
    assert.deepEqual(complaints, ['Error: mine']);
  }, { complains: (text) => text === 'Error: mine' });

  await scene('a second tracker on the page stays silent', async ({ page, go }) => {
    site.page('/twice', core() + full());
    await go('/twice');
    assert.deepEqual(paths(await site.settled(page)), ['/twice']);
  });
} finally {
  await browser.close();
  site.close();
  away.close();
}

process.exitCode = finish() ? 0 : 1;
