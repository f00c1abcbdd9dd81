// Programs that the tests drive: finds them, and installs Debian's where that is allowed.

import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The path of the first of these programs that there is. */
export function find(...names) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(runs);
}

function runs(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Installs Debian's packages, where we may; whether that went well. */
export function install(...packages) {
  if (process.getuid?.() !== 0) return false;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) => spawnSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'], env }).status === 0;
  return apt('update', '-qq') && apt('install', '-y', '-qq', '--no-install-recommends', ...packages);
}

/** Sees to it that these programs are there, each with the package of Debian's that has it: installs
 * what is missing, and ends. */
export function provide(packages) {
  const missing = () => Object.keys(packages).filter((name) => !find(name));
  if (missing().length) install(...missing().map((name) => packages[name]));
  for (const name of missing()) console.error(`${name} is missing: install it (Debian: apt-get install ${packages[name]})`);
  process.exit(missing().length ? 2 : 0);
}
