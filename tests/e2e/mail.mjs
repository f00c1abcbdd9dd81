// A mailing on its whole way: made and wrapped by the program, merged and sent by SMTP, read in
// Thunderbird and in a browser's webmail, fetched by proxies and filters; and then its figures. The
// API tells none below ten, so everything is done ten times or more.
//
//   node tests/e2e/mail.mjs    pictures in target/test-logs/mail

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { filters } from './filters.mjs';
import { asked, clicks, garden, home, landed, pixels, shares, stops, told, urls } from './garden.mjs';
import { htmlOf } from './post.mjs';
import { check, finish, until } from './suite.mjs';
import * as thunderbird from './thunderbird.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const target = process.env.CARGO_TARGET_DIR || join(root, 'target');
const pictures = join(target, 'test-logs/mail');
mkdirSync(pictures, { recursive: true });

/** One of them may withdraw. */
const READERS = 11;
const readers = Array.from({ length: READERS }, (_, number) => number);
const PIXEL = '[src*="/e/o/"]';
/** The third link of the newsletter. */
const TULIPS = 2;

// Who ends this ends the programs that it started.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

const sender = await garden(join(target, 'debug/headcount'));
const people = [];

/** Somebody at Thunderbird. */
async function person(address, from, preferences) {
  const line = await sender.web.line(from);
  const client = await thunderbird.start(address, { office: sender.office, line, preferences });
  people.push(client);
  return { ...client, line };
}

/** That requests are these, and that neither they nor their answers tell or leave anything. */
function plain(requests, expected) {
  assert.deepEqual(told(requests), expected);
  for (const { headers, answered, status } of requests) {
    assert.deepEqual([headers.cookie, headers.referer], [undefined, undefined]);
    const { 'set-cookie': cookie, etag, 'cache-control': cache } = answered;
    assert.deepEqual([cookie, etag], [undefined, undefined]);
    assert.match(cache, /no-store/);
    assert.ok(status === 200 ? answered['content-length'] === '43' : status === 302);
  }
}

/** Looks at a letter as it was written, and as it was wrapped with the pixel at its end and at its
 * beginning: but for the pixel's request, they are the same. `look` shows one in a client, and gives
 * its picture and where everything in it stands. */
async function alike(client, line, address, look) {
  const [end, top] = [sender.mailing('Look'), sender.mailing('Look', { wrap: ['--pixel', 'top'] })];
  const letters = { written: sender.newsletter, end: end.html, top: top.html };
  for (const [name, html] of Object.entries(letters)) await sender.post(address, name, sender.merged(html, 'Ada'));
  const looks = {};
  for (const name of Object.keys(letters)) {
    looks[name] = await look(name);
    writeFileSync(join(pictures, `${client}-${name}.png`), looks[name].picture);
    plain(asked(line), pixels(letters[name]).map((url) => `GET ${url}`));
  }
  const { written, ...wrapped } = looks;
  assert.ok(written.picture.length > 10_000 && written.boxes.length > 30);
  for (const { picture, boxes } of Object.values(wrapped)) {
    assert.deepEqual(boxes, written.boxes);
    assert.ok(picture.equals(written.picture), 'the pictures differ');
  }
}

/** Shows a letter in webmail, whole; its frame. */
async function show(page, letter) {
  await page.goto(`https://webmail.example/${letter}`);
  const whole = () => document.images.length > 0 && [...document.images].every((image) => image.complete);
  const frame = page.frames().at(-1);
  await until('the letter', () => frame.evaluate(whole));
  return frame;
}

const campaign = (name) => `utm_source=newsletter&utm_medium=email&utm_campaign=${name}`;
const figure = (list, name) => list.find((it) => it.name === name);

try {
  const ada = await person('ada@reader.example', home(0));
  const autumn = sender.mailing('Autumn');
  const [pixel] = pixels(autumn.html);
  const tulips = clicks(autumn.html)[TULIPS];

  await check('a letter comes as it was wrapped and merged', async () => {
    for (const number of readers) {
      await sender.post('ada@reader.example', `Autumn ${number}`, sender.merged(autumn.html, `Ada ${number}`));
    }
    assert.equal(htmlOf(sender.office.box('ada@reader.example')[0]), sender.merged(autumn.html, 'Ada 0'));
    assert.equal(await ada.fetch(), READERS);
  });

  await check('Thunderbird shows no images by itself, and asks for nothing', async () => {
    await ada.open('Autumn 0');
    assert.ok(await ada.hidesImages());
    await ada.open('Autumn 1');
    assert.deepEqual(told(asked(ada.line)), []);
  });

  await check('Thunderbird fetches the pixel once for each letter, and leads to the page', async () => {
    const { context, line } = await sender.reader(home(0));
    const page = await context.newPage();
    for (const number of readers) {
      ada.line.address = line.address = home(number);
      await ada.open(`Autumn ${number}`);
      // For one letter, then for all of this sender's.
      if (number < 2) await ada.showImages(['message', 'sender'][number]);
      assert.ok(!(await ada.hidesImages()));
      plain(asked(ada.line), [`GET ${pixel}`]);
      const url = await ada.follow(`a[href="${tulips}"]`);
      assert.equal(url, tulips);
      const landing = await landed(context, line, () => page.goto(url).then(() => page));
      assert.equal(landing.url.href, `https://garden.example/tulips?${campaign('autumn')}`);
      plain(landing.led, [`GET ${tulips}`]);
    }
    await context.close();
  });

  await check('a letter that is forwarded from Thunderbird is opened by who writes it and who gets it', async () => {
    const last = READERS - 1;
    await ada.forward('bob@reader.example');
    plain(asked(ada.line), [`GET ${pixel}`]);
    const bob = await person('bob@reader.example', '84.141.1.7', { 'mailnews.message_display.disable_remote_image': false });
    assert.equal(await bob.fetch(), 1);
    await bob.open(`Fwd: Autumn ${last}`);
    plain(asked(bob.line), [`GET ${pixel}`]);
  });

  await check('the report says what was done in Thunderbird, and no more', async () => {
    const { counts, clients, systems, countries, links, forwards, web, rates } = await sender.figures(autumn.id);
    const opened = READERS + 1;
    assert.deepEqual(counts.opens, { people: opened, human: opened, proxied: 0, privacy_proxy: 0, prefetch: 0, scanner: 0 });
    assert.deepEqual(counts.clicks, { human: READERS, prefetch: 0, scanner: 0 });
    assert.deepEqual([counts.unique_opens, counts.unique_clicks], [null, null]);
    assert.equal(figure(clients, 'Thunderbird').opens, opened);
    assert.equal(figure(systems, 'Linux').opens, opened);
    assert.equal(figure(countries, 'DE').opens, opened);
    assert.deepEqual(links.filter((link) => link.clicks).map(({ label, clicks }) => [label, clicks]), [['Tulips', READERS]]);
    assert.deepEqual([forwards.low, forwards.high], [0, 0]);
    assert.deepEqual([rates.open_rate, rates.click_rate], [opened / 1000, READERS / 1000]);
    assert.deepEqual([web.campaign, web.visits, web.visitors], ['autumn', READERS, READERS]);
    const report = sender.command(['mailing', 'report', autumn.id]).split('\n');
    const clicked = `link 4\t${READERS}\thttps://garden.example/tulips?${campaign('autumn')}`;
    for (const line of [`client\tThunderbird\t${opened}`, `system\tLinux\t${opened}`, `country\tDE\t${opened}`, clicked]) {
      assert.ok(report.includes(line), line);
    }
    // The new message showed the pixel to who had just opened the letter.
    assert.equal((await sender.ledger()).dropped.repeated, 1);
  });

  await check('Thunderbird shows the wrapped letter as it was written', () =>
    alike('thunderbird', ada.line, 'ada@reader.example', async (name) => {
      await ada.fetch();
      await ada.open(name);
      assert.ok(!(await ada.hidesImages()));
      return { picture: await ada.picture(), boxes: await ada.boxes(PIXEL) };
    }),
  );

  await check('of a link that shows another host than it leads to, the wrapping warns, and Thunderbird does', async () => {
    const { id } = sender.mailing('Doubt');
    const written = '<p><a href="https://garden.example/tulips">https://garden.example/tulips</a></p>';
    const { html, warnings } = await sender.wrapped(id, written);
    assert.deepEqual(warnings.map(({ line }) => line), [1]);
    assert.match(warnings[0].text, /host/);
    await sender.post('ada@reader.example', 'Doubt', html);
    await ada.fetch();
    await ada.open('Doubt');
    plain(asked(ada.line), [`GET ${pixels(html)[0]}`]);
    assert.match(await ada.doubt('a'), /would lead to garden\.example, but it leads to stats\.example/);
  });

  await check('webmail shows the wrapped letter as it was written', async () => {
    const { context, line } = await sender.reader(home(0));
    const page = await context.newPage();
    const numbers = { written: 0, end: 1, top: 2 };
    await alike('webmail', line, 'look@reader.example', async (name) => {
      const letter = await show(page, `look@reader.example/${numbers[name]}`);
      const boxes = await letter.locator(`:not(${PIXEL})`).evaluateAll((all) =>
        all.map((it) => [it.localName, JSON.stringify(it.getBoundingClientRect())].join(' ')),
      );
      return { picture: await page.screenshot({ animations: 'disabled' }), boxes };
    });
    await context.close();
  });

  await check('webmail fetches the pixel once, its links lead on, and the listener leaves nothing behind', async () => {
    const winter = sender.mailing('Winter');
    await sender.post('eve@reader.example', 'Winter', sender.merged(winter.html, 'Eve'));
    const [click, share] = [clicks(winter.html)[TULIPS], shares(winter.html)[0]];
    const { context, line } = await sender.reader(home(0));
    const inbox = await context.newPage();
    const press = async (url) => {
      const opened = context.waitForEvent('page');
      const landing = await landed(context, line, async () => {
        await inbox.frameLocator('iframe').locator(`a[href="${url}"]`).click();
        const page = await opened;
        await page.waitForURL('https://garden.example/**');
        return page;
      });
      await (await opened).close();
      assert.equal(landing.url.searchParams.get('utm_campaign'), 'winter');
      plain(landing.led, [`GET ${url}`]);
    };
    for (const number of readers) {
      line.address = home(100 + number);
      await show(inbox, 'eve@reader.example/0');
      plain(asked(line), [`GET ${pixels(winter.html)[0]}`]);
      await press(click);
      // A filter follows links faster than that.
      sender.pass(5);
      await press(share);
    }
    const { cookies, origins } = await context.storageState({ indexedDB: true });
    assert.deepEqual(cookies, []);
    assert.deepEqual(origins.filter(({ origin }) => origin.includes('stats.example')), []);
    await context.close();
    const { counts, clients, forwards, web } = await sender.figures(winter.id);
    assert.equal(counts.opens.human, READERS);
    assert.deepEqual(counts.clicks, { human: READERS, prefetch: 0, scanner: 0 });
    assert.equal(figure(clients, 'Chrome').opens, READERS);
    assert.deepEqual([forwards.low, forwards.high], [READERS, READERS]);
    assert.equal(web.visitors, READERS);
  });

  await check('a recipient with a token is one, however often and wherever the letter is opened', async () => {
    const create = ['--mode', 'token', '--consent', 'newsletter tracking, form of 2026'];
    const spring = sender.mailing('Spring', { create });
    const tokens = sender.tokens(spring.id, READERS);
    assert.equal(new Set(tokens).size, READERS);
    const letters = tokens.map((token, number) => sender.merged(spring.html, `Ada ${number}`, token));
    for (const number of readers) await sender.post('ada@reader.example', `Spring ${number}`, letters[number]);
    await ada.fetch();
    for (const round of [0, 1]) {
      for (const number of readers) {
        ada.line.address = home(number + 50 * round);
        await ada.open(`Spring ${number}`);
        const [pixel] = pixels(letters[number]);
        plain(asked(ada.line), [`GET ${pixel}`]);
        assert.ok(pixel.includes(tokens[number]));
        const link = clicks(letters[number])[TULIPS];
        if (round === 0) assert.equal(await ada.follow(`a[href="${link}"]`), link);
        // A filter looks at the way out as well, and presses nothing.
        await sender.fetch(stops(letters[number])[0], { from: '40.107.1.5' });
        const answer = await sender.fetch(link, { from: ada.line.address });
        assert.equal(answer.headers.get('location'), `https://garden.example/tulips?${campaign('spring')}`);
      }
      sender.pass(90);
    }
    const { counts, rates } = await sender.figures(spring.id);
    assert.deepEqual([counts.opens.human, counts.unique_opens.human], [2 * READERS, READERS]);
    assert.deepEqual([counts.clicks.human, counts.unique_clicks, counts.readers], [2 * READERS, READERS, READERS]);
    assert.deepEqual([rates.open_rate, rates.click_to_open_rate], [READERS / 1000, 1]);

    // One withdraws, by the link in the letter, and reads it again.
    const last = READERS - 1;
    const stop = await ada.follow(`a[href="${stops(letters[last])[0]}"]`);
    const { context } = await sender.reader(home(0));
    const page = await context.newPage();
    await page.goto(stop);
    await page.click('button');
    await ada.open('written');
    await ada.open(`Spring ${last}`);
    plain(asked(ada.line), [`GET ${pixels(letters[last])[0]}`]);
    const left = await sender.figures(spring.id);
    assert.deepEqual([left.counts.opens.human, left.counts.unique_opens.human], [2 * READERS, READERS - 1]);
    assert.deepEqual([left.counts.clicks.human, left.counts.unique_clicks], [2 * READERS, READERS - 1]);
    await context.close();
  });

  await check('a thousand letters of a mailing in aggregate mode have the same URLs, byte by byte', async () => {
    const { html } = sender.mailing('Thousand');
    const letters = Array.from({ length: 1000 }, (_, at) => sender.merged(html, `Reader ${at}`));
    await Promise.all(letters.map((letter) => sender.post('all@reader.example', 'Thousand', letter)));
    const got = sender.office.box('all@reader.example').map(htmlOf);
    assert.deepEqual([...got].sort(), [...letters].sort());
    assert.equal(new Set(got).size, 1000);
    assert.deepEqual([...new Set(got.map((letter) => urls(letter).join('\n')))], [urls(html).join('\n')]);
  });

  await filters(sender);
} finally {
  await Promise.all(people.map((one) => one.stop()));
  await sender.close();
}

process.exitCode = finish() ? 0 : 1;
