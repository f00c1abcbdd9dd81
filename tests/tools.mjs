// Finds what the tests of the program work with, and installs Debian's where that is allowed:
// strace kills the program before a system call, libfaketime moves its clock.
//
//   node tests/tools.mjs       says nothing when all is well

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { find, install } from './e2e/install.mjs';

function libfaketime() {
  const folders = ['/usr/lib', '/usr/local/lib', ...readdirSync('/usr/lib').map((name) => `/usr/lib/${name}`)];
  return folders.some((folder) => existsSync(join(folder, 'faketime/libfaketimeMT.so.1')));
}

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
