// Builds the tracker: src/s.ts → dist/s.js, which is committed, so that the program compiles
// without Node. A test holds the two together.

import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const folder = dirname(fileURLToPath(import.meta.url));

/** The tracker as one minified script. */
export async function script() {
  const built = await build({
    entryPoints: [join(folder, 'src/s.ts')],
    bundle: true,
    minify: true,
    target: 'es2020',
    format: 'esm',
    write: false,
  });
  return built.outputFiles[0].text;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(join(folder, 'dist/s.js'), await script());
}
