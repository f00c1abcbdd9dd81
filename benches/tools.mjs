// Finds what the benches measure with, and installs Debian's where that is allowed. A bench that
// still lacks something says so, and is not run.

import { find, install } from '../tests/e2e/install.mjs';

// Programs, and Debian's packages of them.
const tools = { wrk: 'wrk', nginx: 'nginx', valgrind: 'valgrind', taskset: 'util-linux', chrt: 'util-linux' };
const missing = Object.keys(tools).filter((name) => !find(name));
if (missing.length > 0) install(...new Set(missing.map((name) => tools[name])));
