import assert from 'node:assert/strict';
import { test } from 'node:test';
import { area, clockTicks, labelled, line, nearest, place, ticks } from './scale';

test('ticks are round, and reach the top', () => {
  assert.deepEqual(ticks(0), [0, 1, 2, 3, 4]);
  assert.deepEqual(ticks(1), [0, 1]);
  assert.deepEqual(ticks(3), [0, 1, 2, 3]);
  assert.deepEqual(ticks(7), [0, 2, 4, 6, 8]);
  assert.deepEqual(ticks(100), [0, 25, 50, 75, 100]);
  assert.deepEqual(ticks(1234), [0, 500, 1000, 1500]);
  assert.deepEqual(ticks(1, 4, false), [0, 0.25, 0.5, 0.75, 1]);
  for (let max = 1; max < 5000; max += 7) {
    const all = ticks(max);
    assert.ok(all.at(-1)! >= max && all.length <= 6, `${max}: ${all}`);
  }
});

test('ticks of time are those of a clock', () => {
  assert.deepEqual(clockTicks(0), [0, 1]);
  assert.deepEqual(clockTicks(50), [0, 15, 30, 45, 60]);
  assert.deepEqual(clockTicks(130), [0, 60, 120, 180]);
  assert.ok(clockTicks(500_000).at(-1)! >= 500_000);
});

test('labels keep apart', () => {
  assert.deepEqual(labelled(24, 8), [0, 3, 6, 9, 12, 15, 18, 21]);
  assert.deepEqual(labelled(3, 8), [0, 1, 2]);
  assert.deepEqual(labelled(0, 8), []);
  assert.deepEqual(labelled(40, 8, [1, 2, 3, 6, 12, 24]), [0, 6, 12, 18, 24, 30, 36]);
});

test('a line goes through its points, and its area down to the base', () => {
  assert.equal(line([[0, 1], [2, 3.14]]), 'M0 1L2 3.1');
  assert.equal(area([[0, 1], [2, 3]], 9), 'M0 1L2 3L2 9L0 9Z');
  assert.equal(area([], 9), '');
});

test('the nearest point is found again where it was placed', () => {
  for (const n of [1, 2, 24]) {
    for (let i = 0; i < n; i++) assert.equal(nearest(place(i, n, 40, 800), n, 40, 800), i);
  }
  assert.equal(nearest(-50, 5, 0, 100), 0);
  assert.equal(nearest(500, 5, 0, 100), 4);
});
