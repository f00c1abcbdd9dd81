import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { REASONS } from './reasons';

test('every reason of the ledger is said in words', () => {
  const source = readFileSync('src/hit/record.rs', 'utf8');
  const known = [...source.matchAll(/= \d+ "([a-z_]+)",/g)].map(([, label]) => label!);
  assert.ok(known.length > 20, `${known.length} reasons`);
  assert.deepEqual([...new Set(known)].sort(), Object.keys(REASONS).sort());
});
