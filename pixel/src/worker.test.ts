// The Cloudflare Worker of the snippets, with a network of our own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import worker from '../snippets/worker.js';

/** What the Worker asks the network for, and what it answers. */
async function ask(path: string, init: RequestInit = {}) {
  const asked: Request[] = [];
  const network = globalThis.fetch;
  globalThis.fetch = async (to: any, how: any) => {
    asked.push(to instanceof Request ? to : new Request(to, { ...how, duplex: 'half' }));
    return new Response('answered', { status: 202 });
  };
  try {
    const answer = await worker.fetch(new Request(`https://example.com${path}`, init));
    assert.deepEqual([answer.status, asked.length], [202, 1]);
    return asked[0]!;
  } finally {
    globalThis.fetch = network;
  }
}

test('a hit goes to the collector, with the address that Cloudflare saw', async () => {
  const body = '{"n":"pageview"}';
  const headers = {
    'cf-connecting-ip': '203.0.113.7',
    'x-client-address': '198.51.100.1',
    'user-agent': 'A browser',
    cookie: 'session=secret; headcount_opt_out=1',
  };
  const asked = await ask('/api/event?x=1', { method: 'POST', headers, body });
  assert.equal(asked.url, 'https://stats.example.com/api/event?x=1');
  assert.deepEqual([asked.method, asked.redirect, await asked.text()], ['POST', 'manual', body]);
  const sent = (name: string) => asked.headers.get(name);
  assert.deepEqual(
    [sent('x-client-address'), sent('user-agent'), sent('cookie')],
    ['203.0.113.7', 'A browser', 'headcount_opt_out=1'],
  );
});

test('a session of the site stays with the site', async () => {
  const asked = await ask('/s.js', { headers: { cookie: 'session=secret' } });
  assert.equal(asked.headers.get('cookie'), null);
});

test('the collector’s paths are the script, the image, hits and the opt-out', async () => {
  const check = async (path: string, expected: string) => assert.equal(new URL((await ask(path)).url).host, expected, path);
  for (const path of ['/s.js', '/s.full.js', '/s.0123456789abcdef.js', '/p.gif?u=/', '/opt-out']) {
    await check(path, 'stats.example.com');
  }
  for (const path of ['/', '/sojs', '/a/s.js', '/s.js/x', '/api/events']) await check(path, 'example.com');
});
