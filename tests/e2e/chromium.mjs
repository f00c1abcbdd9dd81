// Finds a Chromium, and installs Debian's where there is none and that is allowed.
//
//   node tests/e2e/chromium.mjs       finds or installs, and says nothing when all is well

import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** The browser's path: HEADCOUNT_CHROMIUM, or the first one on the PATH. */
export function chromium() {
  if (process.env.HEADCOUNT_CHROMIUM) return process.env.HEADCOUNT_CHROMIUM;
  const folders = (process.env.PATH ?? '').split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(runs);
}

function runs(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function install() {
  const apt = (...args) => spawnSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
  process.env.DEBIAN_FRONTEND = 'noninteractive';
  return apt('update', '-qq') && apt('install', '-y', '-qq', '--no-install-recommends', 'chromium');
}

if (process.argv[1] === fileURLToPath(import.meta.url) && !chromium()) {
  const installed = process.getuid?.() === 0 && install() && chromium();
  if (!installed) {
    console.error(
      'chromium is missing: install it (Debian: apt-get install chromium), or name one in HEADCOUNT_CHROMIUM',
    );
    process.exit(2);
  }
}
