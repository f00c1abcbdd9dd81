// Finds what the tests of the program work with, and installs Debian's where that is allowed:
// strace kills the program before a system call, libfaketime moves its clock.
//
//   node tests/tools.mjs       says nothing when all is well

import { libfaketime } from './e2e/clock.mjs';
import { find, install } from './e2e/install.mjs';

const tools = [
  ['strace', () => find('strace')],
  ['libfaketime', libfaketime],
];
const missing = () => tools.filter(([, found]) => !found()).map(([name]) => name);

if (missing().length > 0) install(...missing());
if (missing().length > 0) {
  console.error(`missing: ${missing().join(', ')}; install them (Debian: apt-get install ${missing().join(' ')})`);
  process.exitCode = 2;
}
