import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerable } from './answerable';
import type { Dimension, Metric } from './words';

test('a metric is left out where it was not remembered', () => {
  const check = (metric: Metric, named: Dimension[], expected: boolean) =>
    assert.equal(answerable(metric, named), expected, `${metric} by ${named.join(', ')}`);
  check('visitors', [], true);
  check('visitors', ['browser', 'country'], true);
  check('visitors', ['page', 'country'], true);
  check('visitors', ['page', 'browser'], false);
  check('visitors', ['page', 'entry'], false);
  check('visitors', ['event', 'source'], true);
  check('visitors', ['event', 'page'], false);
  check('visits', ['page', 'browser'], true);
  check('pageviews', ['event'], false);
  check('pageviews', ['page', 'campaign'], true);
  check('bounce_rate', ['page'], true);
  check('bounce_rate', ['event'], false);
  check('events', ['event', 'page'], true);
  check('events', ['page'], false);
  check('events', ['event', 'browser'], false);
});
