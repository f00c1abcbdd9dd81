import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIRST, format, parse, withFilter, withoutFilter, type View } from './view';

const read = (address: string) => {
  const url = new URL(address, 'http://127.0.0.1');
  return parse(url.pathname, url.search);
};

test('a view comes back from its address', () => {
  const views: View[] = [
    { ...FIRST, site: 'example.com' },
    { ...FIRST, site: 'example.com/blog', period: { name: '28d' }, compare: false, metric: 'bounce_rate' },
    { ...FIRST, site: 'a.b', period: { name: 'custom', dates: ['2026-01-01', '2026-01-31'] } },
    {
      ...FIRST,
      site: 'a.b',
      filters: [
        { dimension: 'page', operator: 'is', values: ['/a?b=c&d', '/%2F:x'] },
        { dimension: 'source', operator: 'is_not', values: ['Direct / None'] },
        { dimension: 'page', operator: 'contains', values: ['!~x'] },
        { dimension: 'country', operator: 'contains_not', values: ['D'] },
      ],
      tabs: { sources: 'channel', pages: 'entry' },
      open: 'pages',
    },
    { ...FIRST, site: 'a.b', mailing: '7kq3abcd' },
  ];
  for (const view of views) assert.deepEqual(read(format(view)), view);
});

test('an address is readable', () => {
  const view: View = { ...FIRST, site: 'example.com', filters: [{ dimension: 'page', operator: 'is', values: ['/blog/a'] }] };
  assert.equal(format(view), '/example.com?period=day&f=page:/blog/a');
});

test('a filter that leaves out says so in the address', () => {
  const filters = withFilter([], 'country', 'DE', true, 'is_not');
  assert.equal(format({ ...FIRST, site: 'a.b', filters }), '/a.b?period=day&f=!country:DE');
});

test('what an address says wrongly is left out', () => {
  assert.deepEqual(read('/'), FIRST);
  assert.deepEqual(read('/?period=fortnight&metric=love&f=page&f=:x&f=shoe:7&f=constructor:1'), FIRST);
  assert.deepEqual(read('/?period=custom&from=2026-02-30&to=2026-03-01'), FIRST);
  assert.deepEqual(read('/?period=custom&from=2026-03-02&to=2026-03-01'), FIRST);
  assert.deepEqual(read('/%E0%A4%A'), FIRST);
});

test('a filter takes the place of the one on the same dimension', () => {
  const one = withFilter([], 'page', '/a');
  assert.deepEqual(withFilter(one, 'page', '/b'), [{ dimension: 'page', operator: 'is', values: ['/b'] }]);
  assert.deepEqual(withFilter(one, 'page', '/b', true), [{ dimension: 'page', operator: 'is', values: ['/a', '/b'] }]);
  assert.deepEqual(withFilter(one, 'page', '/a', true), one);
  assert.equal(withFilter(one, 'country', 'DE').length, 2);
  assert.deepEqual(withoutFilter(one, one[0]!), []);
  assert.equal(withFilter(one, 'page', '/b', true, 'is_not').length, 2);
});
