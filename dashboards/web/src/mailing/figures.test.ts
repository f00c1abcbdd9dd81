import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Figures, Opens } from './answer';
import { besides, count, curve, gaps, machines, many, range, rate, readable } from './figures';

const K = 10;

test('a count that is too small is told as that, and never as nothing', () => {
  assert.equal(count(null, K), '<10');
  assert.equal(count(0, K), '0');
  assert.equal(count(12_345, K), '12.3K');
  assert.equal(count(12_345, K, true), '12,345');
});

test('a rate is in percent, and may be more than all', () => {
  assert.deepEqual([null, 0, 0.0004, 0.216, 1.2].map(rate), ['–', '0%', '<0.1%', '22%', '120%']);
});

test('machines are summed beside people, and what is not told is not left out silently', () => {
  const opens = (privacy_proxy: number | null, prefetch: number | null, scanner: number | null): Opens => ({
    people: 60,
    human: 30,
    proxied: 30,
    privacy_proxy,
    prefetch,
    scanner,
  });
  assert.deepEqual(machines(opens(30, 12, 0)), { known: 42, more: false });
  assert.deepEqual(machines({ human: 12, prefetch: 0, scanner: 33 }), { known: 33, more: false });
  const check = (of: Opens, expected: string) => assert.equal(besides(of), expected);
  check(opens(30, 12, 0), 'machines: 42');
  check(opens(30, null, 0), 'machines: 30 or more');
  check(opens(0, null, 0), 'machines: few');
  check(opens(0, 0, 0), 'machines: none');
});

test('forwards are a range where there is one', () => {
  const check = (low: number | null, high: number | null, expected: string) =>
    assert.equal(range({ low, high, method: 'share links' }, K), expected);
  check(0, 0, '0');
  check(13, 13, '13');
  check(13, 25, '13–25');
  check(null, 25, 'up to 25');
  check(null, null, '<10');
});

test('the curve begins with the sending, is a day long at least, and ends with what is told', () => {
  const sent = new Date('2026-11-22T09:00:00Z');
  const hours: Figures['hours'] = [
    { hour: 0, opens: 40, clicks: 12 },
    { hour: 1, opens: null, clicks: 0 },
    { hour: 2, opens: 15, clicks: null },
  ];
  const early = curve(hours, 'opens', sent, new Date('2026-11-22T13:30:00Z'));
  assert.equal(early.labels.length, 24);
  assert.equal(early.under, '+0004');
  assert.deepEqual([...early.values.values()].slice(0, 5), [40, null, 15, 0, 0]);

  const late: Figures['hours'] = [...hours, { hour: 49, opens: 11, clicks: 0 }, { hour: 300, opens: null, clicks: 0 }];
  const whole = curve(late, 'opens', sent, new Date('2026-12-22T09:00:00Z'));
  assert.equal(whole.labels.length, 54, 'what is not told makes it no longer');
  assert.equal(whole.values.get('+0049'), 11);
  assert.ok(gaps(late, 'opens') && !gaps([hours[0]!], 'opens'));
});

test('before the sending is the sending', () => {
  const early = curve([], 'clicks', new Date('2026-11-22T09:00:00Z'), new Date('2026-11-22T08:00:00Z'));
  assert.equal(early.under, '+0000');
  assert.ok([...early.values.values()].every((value) => value === 0));
});

test('one is one', () => {
  assert.deepEqual([0, 1, 1200].map((value) => many(value, 'visitor')), ['0 visitors', '1 visitor', '1,200 visitors']);
});

test('a link is read as where it leads', () => {
  assert.equal(readable('https://www.news.example/'), 'news.example');
  assert.equal(readable('http://news.example/a?utm_source=newsletter#b'), 'news.example/a');
  assert.equal(readable('Any questions? Ask'), 'Any questions? Ask');
});
