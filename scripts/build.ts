/** `npm run build`: one file, dist/turnout.mjs, with everything in it but Node 24. `node dist/turnout.mjs serve`. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(root, 'gateway', 'src');

/** Puts the catalog's text where the checkout has none. */
const embedCatalog: Plugin = {
  name: 'embed-catalog',
  setup(setup) {
    setup.onLoad({ filter: /cli[/\\]embedded\.ts$/ }, () => {
      const text = readFileSync(join(source, 'catalog', 'catalog.generated.json'), 'utf8');
      return { contents: `export const EMBEDDED_CATALOG = ${JSON.stringify(text)};`, loader: 'js' };
    });
  },
};

const outfile = join(root, 'dist', 'turnout.mjs');
const result = await build({
  entryPoints: [join(source, 'main.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  // Packages that still call require() find it here.
  banner: { js: "import { createRequire as turnoutRequire } from 'node:module'; const require = turnoutRequire(import.meta.url);" },
  metafile: true,
  plugins: [embedCatalog],
  logLevel: 'warning',
});
const bytes = Object.values(result.metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);
process.stdout.write(`dist/turnout.mjs: ${(bytes / 1024 / 1024).toFixed(2)} MiB\n`);
