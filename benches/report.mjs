// Runs the benches, one after the other, and writes what they print to benches/RESULTS.md.
//
//   node benches/report.mjs              all of them
//   node benches/report.mjs million      those that are named; the others' last results stay

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

const FILE = new URL('RESULTS.md', import.meta.url);
const HEAD = `# Results

What \`make bench\` printed. Each part says when and where; machines differ, and neighbours of a
virtual one are heard: compare ratios within a part, not figures between parts.
`;

const all = readdirSync(new URL('.', import.meta.url))
  .filter((name) => name.endsWith('.rs'))
  .map((name) => name.slice(0, -3))
  .sort();
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`no such bench: ${unknown.join(', ')}; there are ${all.join(', ')}`);
  process.exit(2);
}

function before() {
  try {
    return readFileSync(FILE, 'utf8');
  } catch {
    return '';
  }
}

/** The parts that were written last time, by name. */
const parts = new Map(
  before()
    .split(/^## /m)
    .slice(1)
    .map((part) => [part.slice(0, part.indexOf('\n')).trim(), part.slice(part.indexOf('\n') + 1).trim()]),
);

const git = (...args) => execFileSync('git', args, { encoding: 'utf8' }).trim();
const changed = git('status', '--porcelain', '--', 'src', 'benches/*.rs', 'Cargo.lock') === '' ? '' : ', changed';
const gib = (totalmem() / 2 ** 30).toFixed(0);
const where = `${cpus()[0].model.trim()}, ${cpus().length} cores, ${gib} GiB, Linux ${release()}`;
const stamp = `${new Date().toISOString().slice(0, 10)}, commit ${git('rev-parse', '--short', 'HEAD')}${changed}, ${where}`;

let failed = false;
for (const name of wanted.length > 0 ? wanted : all) {
  const run = spawnSync('cargo', ['bench', '--locked', '--quiet', '--bench', name], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.stdout.write(`${run.stdout}\n`);
  if (run.status !== 0) failed = true;
  else parts.set(name, `${stamp}\n\n\`\`\`\n${run.stdout.trim()}\n\`\`\``);
}
const text = all.filter((name) => parts.has(name)).map((name) => `\n## ${name}\n\n${parts.get(name)}\n`);
writeFileSync(FILE, HEAD + text.join(''));
if (failed) process.exitCode = 1;
