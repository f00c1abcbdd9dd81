import assert from 'node:assert/strict';
import { test } from 'node:test';
import { before, change, clock, compact, dates, day, exact, figure, grainOf, moment, seconds, share, since, tick } from './format';

test('figures are short, and exact where asked', () => {
  assert.deepEqual([0, 999, 9999, 12_345, 1_234_567].map(compact), ['0', '999', '9,999', '12.3K', '1.2M']);
  assert.equal(exact(1_234_567), '1,234,567');
  assert.equal(figure('visitors', 12_345, true), '12,345');
  assert.equal(figure('bounce_rate', 48), '48%');
  assert.equal(figure('visit_duration', null), '–');
});

test('durations have two units at most', () => {
  assert.deepEqual([0, 59, 60, 95, 3600, 7325].map(seconds), ['0s', '59s', '1m 0s', '1m 35s', '1h 0m', '2h 2m']);
});

test('a share is never rounded away', () => {
  assert.equal(share(1, 3), '33%');
  assert.equal(share(1, 40), '2.5%');
  assert.equal(share(1, 20), '5%');
  assert.equal(share(1, 100_000), '<0.1%');
  assert.equal(share(0, 10), '0%');
  assert.equal(share(0, 0), '–');
});

test('a change is in percent, of a rate in points, and of nothing none', () => {
  assert.deepEqual(change('visitors', 150, 100), { text: '50%', direction: 'up' });
  assert.deepEqual(change('visitors', 50, 100), { text: '50%', direction: 'down' });
  assert.deepEqual(change('visitors', 100, 100), { text: '0%', direction: 'same' });
  assert.deepEqual(change('bounce_rate', 40, 48), { text: '8 pt', direction: 'down' });
  assert.equal(change('visitors', 5, 0), null);
  assert.equal(change('visitors', null, 3), null);
});

test('labels of time are read by their grain', () => {
  assert.equal(grainOf(['2026-11-23 00:00:00', '2026-11-23 01:00:00']), 'hour');
  assert.equal(grainOf(['2026-11-01', '2026-11-02']), 'day');
  assert.equal(grainOf(['2026-11-01']), 'day');
  assert.equal(grainOf(['2026-10-01', '2026-11-01']), 'month');
  assert.equal(tick('2026-11-23 09:00:00', 'hour'), '09:00');
  assert.equal(tick('2026-11-23', 'day'), '23 Nov');
  assert.equal(tick('2026-11-01', 'month'), 'Nov');
  assert.equal(moment('2026-11-01', 'month'), 'November 2026');
  assert.equal(moment('2026-11-23', 'day'), 'Mon 23 Nov 2026');
});

test('hours since a sending are told in days', () => {
  const labels = [0, 5, 24, 53].map(since);
  assert.equal(grainOf(labels), 'since');
  assert.deepEqual(labels.map((label) => tick(label, 'since')), ['0 h', '5 h', '1 d', '2 d 5 h']);
  assert.equal(moment(since(23), 'since'), '23 h to 1 d');
  assert.ok(since(9) < since(10) && since(99) < since(336), 'in order');
});

test('a time is told as its zone has it', () => {
  assert.equal(day('2026-11-23T23:30:00Z', 'UTC'), '23 Nov 2026');
  assert.equal(day('2026-11-23T23:30:00Z', 'Europe/Berlin'), '24 Nov 2026');
  assert.equal(clock('2026-11-23T23:30:00Z', 'Europe/Berlin'), '24 Nov 2026, 00:30');
});

test('dates are a heading', () => {
  assert.equal(dates(['2026-11-23', '2026-11-23']), 'Monday 23 November 2026');
  assert.equal(dates(['2026-11-17', '2026-11-23']), 'Tue 17 Nov 2026 – Mon 23 Nov 2026');
  assert.equal(before(['2026-11-17', '2026-11-23']), '17 Nov – 23 Nov');
});
