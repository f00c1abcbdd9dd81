// Finds a Chromium, and installs Debian's where there is none and that is allowed.
//
//   node tests/e2e/chromium.mjs       finds or installs, and says nothing when all is well

import { fileURLToPath } from 'node:url';
import { find, install } from './install.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** The browser's path: HEADCOUNT_CHROMIUM, or the first one on the PATH. */
export const chromium = () => process.env.HEADCOUNT_CHROMIUM || find(...NAMES);

if (process.argv[1] === fileURLToPath(import.meta.url) && !chromium()) {
  install('chromium');
  if (!chromium()) {
    console.error(
      'chromium is missing: install it (Debian: apt-get install chromium), or name one in HEADCOUNT_CHROMIUM',
    );
    process.exit(2);
  }
}
