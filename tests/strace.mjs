// Finds strace, by which the tests kill a program before a system call; installs Debian's where there
// is none and that is allowed.
//
//   node tests/strace.mjs       says nothing when all is well

import { find, install } from './e2e/install.mjs';

if (!find('strace')) {
  install('strace');
  if (!find('strace')) {
    console.error('strace is missing: install it (Debian: apt-get install strace)');
    process.exit(2);
  }
}
