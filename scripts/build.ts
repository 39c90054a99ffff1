/** `npm run build`: one file, dist/turnout.mjs, with everything in it but Node 24. `node dist/turnout.mjs serve`. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type BuildOptions, type Plugin } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(root, 'gateway', 'src');

const SHARED: BuildOptions = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  logLevel: 'warning',
};

function requireFrom(place: string): string {
  return `import { createRequire as turnoutRequire } from 'node:module'; const require = turnoutRequire(${place});`;
}

/** The store's thread is a file of its own; it travels as text inside the one file. */
const thread = await build({
  ...SHARED,
  entryPoints: [join(source, 'store', 'books', 'thread.ts')],
  write: false,
  // It has no file to require from; what it asks for (`pg` does) is built into Node.
  banner: { js: requireFrom('process.execPath') },
});

/** Files that the bundle carries inside itself, by the module that a checkout has nothing in. */
const embed: Plugin = {
  name: 'embed',
  setup(setup) {
    const put = (filter: RegExp, texts: Readonly<Record<string, string>>): void => {
      const lines = Object.entries(texts).map(([name, text]) => `export const ${name} = ${JSON.stringify(text)};`);
      setup.onLoad({ filter }, () => ({ contents: lines.join('\n'), loader: 'js' }));
    };
    put(/cli[/\\]embedded\.ts$/, {
      EMBEDDED_CATALOG: readFileSync(join(source, 'catalog', 'catalog.generated.json'), 'utf8'),
      EMBEDDED_WORD_VECTORS: readFileSync(join(source, 'understand', 'intents', 'word-vectors.bin'), 'base64'),
    });
    put(/store[/\\]books[/\\]embedded\.ts$/, { EMBEDDED_THREAD: thread.outputFiles[0]?.text ?? '' });
  },
};

const outfile = join(root, 'dist', 'turnout.mjs');
const result = await build({
  ...SHARED,
  entryPoints: [join(source, 'main.ts')],
  outfile,
  // Packages that still call require() find it here.
  banner: { js: requireFrom('import.meta.url') },
  metafile: true,
  plugins: [embed],
});
const bytes = Object.values(result.metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);
process.stdout.write(`dist/turnout.mjs: ${(bytes / 1024 / 1024).toFixed(2)} MiB\n`);
