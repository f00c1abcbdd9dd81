import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerable, learn } from './answerable';
import type { Filter, Operator } from './view';
import type { Dimension } from './words';

const filter = (dimension: Dimension, operator: Operator, ...values: string[]): Filter => ({ dimension, operator, values });

// A part of the server’s table, as it comes.
learn({
  metrics: [
    {
      name: 'visitors',
      answered: {
        visit: { table: 'visits', one_of: [] },
        page: { table: 'pages', one_of: ['event:page'] },
        event: { table: 'events', one_of: ['event:name'] },
        event_part: { why_not: 'not remembered' },
        exit_page: { why_not: 'not kept' },
      },
    },
    { name: 'pageviews', answered: { visit: { table: 'visits', one_of: [] }, page: { table: 'pages', one_of: [] } } },
    { name: 'visits', answered: { exit_page: { table: 'pages', one_of: [] } } },
  ],
  dimensions: [
    { name: 'event:page', tables: ['pages', 'events'] },
    { name: 'event:name', tables: ['events'] },
    { name: 'visit:source', tables: ['visits', 'pages', 'events'] },
    { name: 'visit:browser', tables: ['visits'] },
    { name: 'visit:exit_page', tables: ['pages'] },
  ],
});

test('what a table holds together can be told', () => {
  assert.ok(answerable('visitors', null, []));
  assert.ok(answerable('visitors', 'browser', [filter('source', 'is', 'a')]));
  assert.ok(answerable('visitors', 'page', [filter('source', 'is_not', 'a')]));
  assert.ok(answerable('visits', 'exit', [filter('source', 'is', 'a')]));
});

test('what was not remembered together cannot', () => {
  assert.ok(!answerable('visitors', 'page', [filter('event', 'is', 'a')]));
  assert.ok(!answerable('visitors', 'browser', [filter('page', 'is', '/')]));
  assert.ok(!answerable('visitors', 'exit', []));
  assert.ok(!answerable('visits', 'exit', [filter('page', 'is', '/')]));
});

test('firsts of one page at a time do not add up over several', () => {
  assert.ok(answerable('visitors', 'source', [filter('page', 'is', '/')]));
  assert.ok(!answerable('visitors', 'source', [filter('page', 'is', '/', '/b')]));
  assert.ok(!answerable('visitors', 'source', [filter('page', 'is_not', '/')]));
  assert.ok(answerable('visitors', 'page', [filter('page', 'contains', '/b')]), 'a row is one page');
  assert.ok(answerable('pageviews', 'source', [filter('page', 'is', '/', '/b')]), 'views add up');
});
