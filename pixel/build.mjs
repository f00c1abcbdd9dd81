// Builds the tracker: src/s.ts → dist/s.js and src/s.full.ts → dist/s.full.js, each with what a
// server and a page need of it: compressed (.br, .gz), and its integrity value (.sri). All are
// committed, so that the program compiles without Node. A test holds them to the source.

import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const folder = dirname(fileURLToPath(import.meta.url));

export const NAMES = ['s', 's.full'];

/** The value of a script element's integrity attribute. */
export const integrity = (text) => `sha384-${createHash('sha384').update(text).digest('base64')}`;

/** A tracker as one minified script. */
export async function script(name) {
  const built = await build({
    entryPoints: [join(folder, `src/${name}.ts`)],
    bundle: true,
    minify: true,
    target: 'es2020',
    format: 'iife',
    // Without a prologue of 13 bytes.
    tsconfigRaw: {},
    write: false,
  });
  return built.outputFiles[0].text;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  mkdirSync(join(folder, 'dist'), { recursive: true });
  for (const name of NAMES) {
    const text = await script(name);
    const write = (suffix, bytes) => writeFileSync(join(folder, `dist/${name}.js${suffix}`), bytes);
    write('', text);
    write('.br', brotliCompressSync(text, quality));
    write('.gz', gzipSync(text, { level: 9 }));
    write('.sri', integrity(text));
  }
}
