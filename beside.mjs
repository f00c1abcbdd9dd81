// Puts what the program opens at run time beside it: the engine's library and the country
// database, out of the packages that bring them.
//
//   node beside.mjs FOLDER

import { copyFileSync, linkSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);

/** The library's package is the one of chdb's optional dependencies that fits this platform. */
function library() {
  const manifest = JSON.parse(readFileSync(require.resolve('chdb/package.json'), 'utf8'));
  const fromChdb = createRequire(require.resolve('chdb/package.json'));
  for (const name of Object.keys(manifest.optionalDependencies)) {
    try {
      return fromChdb.resolve(`${name}/libchdb.so`);
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  throw new Error(`chdb ${manifest.version} brings no library for ${process.platform} ${process.arch}`);
}

/** A hard link costs nothing; across file systems it takes a copy. */
function place(source, target) {
  const [from, to] = [statSync(source), statSync(target, { throwIfNoEntry: false })];
  if (to && (to.ino === from.ino || (to.size === from.size && to.mtimeMs >= from.mtimeMs))) return;
  rmSync(target, { force: true });
  try {
    linkSync(source, target);
  } catch {
    copyFileSync(source, target);
  }
}

const folder = process.argv[2];
if (!folder) {
  console.error('usage: node beside.mjs FOLDER');
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
place(library(), join(folder, 'libchdb.so'));
place(
  require.resolve('@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb'),
  join(folder, 'country.mmdb'),
);
