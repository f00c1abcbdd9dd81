import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { defineConfig } from 'vite';

/** Puts a .br and a .gz beside every text file, so that the server compresses nothing. */
const compressed = {
  name: 'compressed',
  apply: 'build',
  generateBundle: {
    order: 'post',
    handler(_, bundle) {
      const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
      for (const file of Object.values(bundle)) {
        const source = Buffer.from(file.type === 'chunk' ? file.code : file.source);
        const add = (suffix, bytes) =>
          this.emitFile({ type: 'asset', fileName: file.fileName + suffix, source: bytes });
        add('.br', brotliCompressSync(source, quality));
        add('.gz', gzipSync(source, { level: 9 }));
      }
    },
  },
};

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    // Small files inlined as data: would be forbidden as styles and scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  plugins: [compressed],
  logLevel: 'warn',
  server: {
    proxy: { '/api': 'http://127.0.0.1:8081', '/sign-in': 'http://127.0.0.1:8081' },
  },
});
