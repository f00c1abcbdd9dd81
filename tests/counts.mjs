// Adds up what the suites' logs say. A suite that says nothing has failed.
//
//   node tests/counts.mjs FOLDER

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const SUITES = [
  { name: 'program', file: 'rust.log', line: /^test result: \w+\. (\d+) passed; (\d+) failed/gm },
  { name: 'dashboard and tracker', file: 'node.log', line: /^ℹ pass (\d+)\nℹ fail (\d+)/gm },
  { name: 'browser', file: 'browser.log', line: /^(\d+) passed, (\d+) failed/gm },
  { name: 'mail clients', file: 'mail.log', line: /^(\d+) passed, (\d+) failed/gm },
];

const folder = process.argv[2];
const total = { passed: 0, failed: 0 };
for (const { name, file, line } of SUITES) {
  const suite = { passed: 0, failed: 0 };
  for (const [, passed, failed] of readFileSync(join(folder, file), 'utf8').matchAll(line)) {
    suite.passed += Number(passed);
    suite.failed += Number(failed);
  }
  if (suite.passed + suite.failed === 0) suite.failed = 1;
  console.log(`${name.padEnd(24)}${suite.passed} passed, ${suite.failed} failed`);
  total.passed += suite.passed;
  total.failed += suite.failed;
}
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed ? 1 : 0;
