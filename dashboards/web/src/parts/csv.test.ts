import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csv, name } from './csv';

test('a list is a file that a spreadsheet opens, and runs nothing of', () => {
  const rows = [
    { dimensions: ['/a,b'], metrics: [3, null] },
    { dimensions: ['=1+1'], metrics: [1, 2] },
    { dimensions: ['say "hi"'], metrics: [0, 1] },
  ];
  assert.equal(
    csv('page', ['visitors', 'pageviews'], rows),
    'Page,Visitors,Page views\r\n"/a,b",3,\r\n\'=1+1,1,2\r\n"say ""hi""",0,1\r\n',
  );
});

test('a file is named by what is in it', () => {
  assert.equal(name('a.b/c', 'page', ['2026-01-01', '2026-01-31']), 'a.b-c-page-2026-01-01-to-2026-01-31.csv');
  assert.equal(name('a.b', 'country', null), 'a.b-country-all.csv');
});
