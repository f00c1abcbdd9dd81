// A program's clock that is moved by hand: noon, and so many seconds. Timers go by the machine's.

import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The library that fakes it, where Debian puts it. */
export function libfaketime() {
  const folders = ['/usr/lib', '/usr/local/lib', ...readdirSync('/usr/lib').map((name) => `/usr/lib/${name}`)];
  return folders.map((folder) => join(folder, 'faketime/libfaketimeMT.so.1')).find((file) => existsSync(file));
}

/** At noon (UTC), so that no day ends meanwhile. `folder` holds the file that says so. */
export function clock(folder) {
  const file = join(folder, 'clock');
  const begin = Date.now();
  let ahead_s = Math.round((new Date(begin).setUTCHours(12, 0, 0, 0) - begin) / 1000);
  const pass = (seconds) => {
    ahead_s += seconds;
    writeFileSync(`${file}.new`, `${ahead_s < 0 ? '' : '+'}${ahead_s}s\n`);
    renameSync(`${file}.new`, file);
  };
  pass(0);
  return {
    /** So many seconds go by. */
    pass,
    environment: {
      LD_PRELOAD: libfaketime(),
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
  };
}
