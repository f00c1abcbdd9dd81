// Finds libfaketime, or installs it where that is allowed: the tests move the program's clock.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { install } from './e2e/install.mjs';

function found() {
  const folders = ['/usr/lib', '/usr/local/lib', ...readdirSync('/usr/lib').map((name) => `/usr/lib/${name}`)];
  return folders.some((folder) => existsSync(join(folder, 'faketime/libfaketimeMT.so.1')));
}

if (!found()) install('libfaketime');
if (!found()) {
  console.error('libfaketime is missing: install it (Debian: apt-get install libfaketime)');
  process.exitCode = process.env.CI ? 2 : 0;
}
