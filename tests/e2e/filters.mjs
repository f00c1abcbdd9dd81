// What proxies and filters send for a mailing, as it was recorded of them, from addresses of theirs.

import assert from 'node:assert/strict';
import { clicks, home, pixels, shares } from './garden.mjs';
import { check } from './suite.mjs';

const GMAIL = 'Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)';
const GMAIL_PREFETCH =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0';
const YAHOO = 'YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html';
const APPLE = 'Mozilla/5.0';
const OLD_CHROME = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/79.0.3945.130 Safari/537.36';
const GATEWAY = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/96.0.4664.45 Safari/537.36';
const OFFICE = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0';

/** Does so many things, one after the other. */
async function times(count, act) {
  for (let at = 0; at < count; at += 1) await act(at);
}

/** Replays them. */
export async function filters(sender) {
  const ask = sender.fetch;
  /** A mailing of its own for each check, so that its figures are the check's. */
  const mailing = (name) => {
    const { id, html } = sender.mailing(name);
    return { id, pixel: pixels(html)[0], links: clicks(html), share: shares(html)[0] };
  };
  const nobody = { people: 0, human: 0, proxied: 0, privacy_proxy: 0, prefetch: 0, scanner: 0 };
  const noClicks = { human: 0, prefetch: 0, scanner: 0 };

  await check('image proxies, prefetches and a privacy proxy are told from each other', async () => {
    const { id, pixel } = mailing('Proxies');
    await times(11, (at) => ask(pixel, { from: `66.249.84.${at}`, agent: GMAIL }));
    await times(12, (at) => ask(pixel, { from: `66.249.85.${at}`, agent: GMAIL_PREFETCH }));
    await times(13, (at) => ask(pixel, { from: `87.248.116.${at}`, agent: YAHOO }));
    await times(14, (at) => ask(pixel, { from: `17.58.101.${at}`, agent: APPLE }));
    const { counts, clients } = await sender.figures(id);
    assert.deepEqual(counts.opens, { ...nobody, people: 24, proxied: 24, prefetch: 12, privacy_proxy: 14 });
    assert.deepEqual(counts.clicks, noClicks);
    const named = clients.map(({ name, opens }) => [name, opens]).sort();
    assert.deepEqual(named, [['Gmail', 11], ['Yahoo Mail', 13]]);
  });

  await check('a filter of Microsoft is a scanner by its address, whatever browser it says it is', async () => {
    const { id, pixel, links } = mailing('Protection');
    await times(10, (at) => ask(pixel, { from: `40.107.${at}.5`, agent: OLD_CHROME }));
    await times(11, (at) => ask(links[0], { from: `104.47.${at}.5`, agent: OLD_CHROME }));
    const { counts } = await sender.figures(id);
    assert.deepEqual(counts.opens, { ...nobody, scanner: 10 });
    assert.deepEqual(counts.clicks, { ...noClicks, scanner: 11 });
  });

  await check('a gateway that follows all links at once is a scanner, and who clicks later in its office is not', async () => {
    const { id, pixel, links } = mailing('Gateway');
    assert.equal(links.length, 5);
    const offices = 10;
    sender.pass(43);
    await times(offices, (at) => Promise.all([pixel, ...links].map((url) => ask(url, { from: home(at), agent: GATEWAY }))));
    sender.pass(12 * 60);
    await times(offices, async (at) => {
      const answer = await ask(links[1], { from: home(at), agent: OFFICE });
      assert.equal(answer.status, 302);
    });
    // The gateway's own browser, in a person's hands.
    await times(offices, (at) => ask(links[2], { from: home(at), agent: GATEWAY }));
    const { counts, links: followed } = await sender.figures(id);
    assert.deepEqual(counts.opens, { ...nobody, scanner: offices });
    assert.deepEqual(counts.clicks, { ...noClicks, human: 2 * offices, scanner: 5 * offices });
    assert.deepEqual(followed.map(({ clicks }) => clicks), [offices, offices, 0, 0, 0, 0]);
  });

  await check('HEAD is answered as GET, and never counted', async () => {
    const { id, pixel, links, share } = mailing('Head');
    const urls = [pixel, ...links, share];
    const before = (await sender.ledger()).received;
    const told = ({ status, headers }) => {
      const { connection, date, 'content-length': length = '0', ...others } = Object.fromEntries(headers);
      return { status, length, ...others };
    };
    for (const url of urls) {
      const [got, head] = [await ask(url, { from: home(1) }), await ask(url, { from: home(1), method: 'HEAD' })];
      assert.deepEqual(told(head), told(got));
      assert.equal((await head.arrayBuffer()).byteLength, 0);
      sender.pass(20);
    }
    await times(20, (at) => ask(links[0], { from: home(at), agent: OFFICE, method: 'HEAD' }));
    await sender.figures(id);
    assert.equal((await sender.ledger()).received - before, urls.length);
  });

  await check('a URL with %27 behind it shows the pixel, leads nowhere, and is not counted', async () => {
    const { id, pixel, links, share } = mailing('Quoted');
    const before = (await sender.ledger()).counted;
    const image = await ask(`${pixel}%27`, { from: home(1), agent: GATEWAY });
    assert.deepEqual([image.status, (await image.arrayBuffer()).byteLength], [200, 43]);
    for (const link of [...links, share]) {
      const answer = await ask(`${link}%27`, { from: home(1), agent: GATEWAY });
      assert.deepEqual([answer.status, answer.headers.get('location')], [404, null]);
      assert.ok(!(await answer.text()).includes('27'));
    }
    await sender.figures(id);
    assert.equal((await sender.ledger()).counted, before);
  });
}
