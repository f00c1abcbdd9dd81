import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  comparison,
  datesBefore,
  datesOf,
  isDay,
  length,
  plusMonths,
  stepped,
  today,
  type Dates,
  type Period,
  type PeriodName,
} from './period';

const TODAY = '2026-03-30';

test('a date is a day of the calendar', () => {
  for (const [text, expected] of [
    ['2026-02-28', true],
    ['2024-02-29', true],
    ['2026-02-29', false],
    ['2026-2-1', false],
    ['2026-13-01', false],
    ['', false],
  ] as const) {
    assert.equal(isDay(text), expected, text);
  }
});

test('today is the date that the site has', () => {
  const now = new Date('2026-03-29T23:30:00Z');
  assert.equal(today(now, 'UTC'), '2026-03-29');
  assert.equal(today(now, 'Europe/Berlin'), '2026-03-30');
  assert.equal(today(now, 'America/Los_Angeles'), '2026-03-29');
  assert.equal(today(now, 'Pacific/Kiritimati'), '2026-03-30');
});

test('a month on or back stays within the month', () => {
  assert.equal(plusMonths('2026-03-31', -1), '2026-02-28');
  assert.equal(plusMonths('2024-03-31', -1), '2024-02-29');
  assert.equal(plusMonths('2026-01-15', -1), '2025-12-15');
  assert.equal(plusMonths('2026-12-31', 2), '2027-02-28');
  assert.equal(plusMonths('2024-02-29', -12), '2023-02-28');
});

test('periods have the dates that their names say', () => {
  const check = (name: PeriodName, expected: Dates | null) =>
    assert.deepEqual(datesOf({ name }, TODAY), expected, name);
  check('day', ['2026-03-30', '2026-03-30']);
  check('yesterday', ['2026-03-29', '2026-03-29']);
  check('7d', ['2026-03-24', '2026-03-30']);
  check('28d', ['2026-03-03', '2026-03-30']);
  check('month', ['2026-03-01', '2026-03-30']);
  check('lastmonth', ['2026-02-01', '2026-02-28']);
  check('12mo', ['2025-04-01', '2026-03-30']);
  check('all', null);
});

test('the period before is as long, and a month is before a month', () => {
  const check = (name: PeriodName, expected: Dates) =>
    assert.deepEqual(datesBefore({ name }, datesOf({ name }, TODAY)!), expected, name);
  check('day', ['2026-03-29', '2026-03-29']);
  check('7d', ['2026-03-17', '2026-03-23']);
  check('28d', ['2026-02-03', '2026-03-02']);
  check('month', ['2026-02-01', '2026-02-28']);
  check('lastmonth', ['2026-01-01', '2026-01-31']);
  check('12mo', ['2024-04-01', '2025-03-30']);
});

test('totals are compared over complete days', () => {
  const check = (name: PeriodName, now: Dates | null, before: Dates) =>
    assert.deepEqual(comparison({ name }, datesOf({ name }, TODAY)!, TODAY), { now, before }, name);
  check('7d', ['2026-03-24', '2026-03-29'], ['2026-03-18', '2026-03-23']);
  check('yesterday', ['2026-03-29', '2026-03-29'], ['2026-03-28', '2026-03-28']);
  check('day', null, ['2026-03-29', '2026-03-29']);
  check('lastmonth', ['2026-02-01', '2026-02-28'], ['2026-01-01', '2026-01-31']);
});

test('a length counts both ends', () => {
  assert.equal(length(['2026-03-28', '2026-03-30']), 3);
  assert.equal(length(['2026-03-30', '2026-03-30']), 1);
});

test('a step goes by the same length, months by months, and never past today', () => {
  const check = (period: Period, step: -1 | 1, expected: Period | null) =>
    assert.deepEqual(stepped(datesOf(period, TODAY), step, TODAY), expected, JSON.stringify(period));
  check({ name: 'day' }, -1, { name: 'yesterday' });
  check({ name: 'day' }, 1, null);
  check({ name: 'yesterday' }, 1, { name: 'day' });
  check({ name: '7d' }, -1, { name: 'custom', dates: ['2026-03-17', '2026-03-23'] });
  check({ name: 'custom', dates: ['2026-03-17', '2026-03-23'] }, 1, { name: '7d' });
  check({ name: 'month' }, -1, { name: 'lastmonth' });
  check({ name: 'lastmonth' }, 1, { name: 'month' });
  check({ name: 'lastmonth' }, -1, { name: 'custom', dates: ['2026-01-01', '2026-01-31'] });
  check({ name: 'all' }, -1, null);
});
