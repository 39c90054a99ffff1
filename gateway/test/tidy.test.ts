/** The code tests its own shape: layers, purity, listings, and no word that must not be in a repository. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const source = join(root, 'gateway', 'src');

/** Lowest first: a room imports earlier rooms and itself, nothing else. */
const ROOMS =
  'lib chat money people policy config catalog dialects output prompts providers understand routing health limits upstream credentials shared store cache telemetry pipeline batches login billing http admin simulator wire.ts cli main.ts'.split(
    ' ',
  );
/** Rooms that take time, dice and environment as arguments. */
const PURE = [
  'lib',
  'chat',
  'money',
  'people',
  'policy',
  'config',
  'catalog',
  'dialects',
  'output',
  'prompts',
  'providers',
  'understand',
  'routing',
  'health',
  'limits',
];
const IMPURE_WORDS =
  /\b(Date\.now|performance\.now|Math\.random|process\.(env|hrtime|nextTick)|setTimeout|setInterval|setImmediate|randomBytes|randomUUID)\b/;
const IMPURE_MODULES = /from 'node:(fs|net|http|https|tls|dns|child_process|worker_threads|os|process|timers|zlib)/;

interface Source {
  readonly file: string;
  readonly room: string;
  readonly text: string;
}

function sources(): readonly Source[] {
  return globSync('**/*.ts', { cwd: source })
    .filter((file) => !file.endsWith('.test.ts') && !file.includes('.generated.'))
    .map((file) => ({ file, room: file.split(sep)[0] ?? file, text: readFileSync(join(source, file), 'utf8') }));
}

function importsOf(of: Source): readonly string[] {
  return importedBy(source, of.file, of.text);
}

/** What a file imports of ours, types included, as paths under `base`. */
function importedBy(base: string, file: string, text: string): readonly string[] {
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)].map((match) => match[1] ?? '');
  return specifiers.map((specifier) => relative(base, resolve(join(base, dirname(file)), specifier)));
}

/** Everything that is written here and run, tests too, with what each file imports. */
function importGraph(): ReadonlyMap<string, readonly string[]> {
  const files = globSync('{gateway/src,gateway/test,scripts,bench}/**/*.ts', { cwd: root });
  return new Map(files.map((file) => [file, importedBy(root, file, readFileSync(join(root, file), 'utf8'))]));
}

/** The first circle that a walk from each file meets, as the way around it. */
function circlesIn(graph: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const found: string[] = [];
  const done = new Set<string>();
  function walk(file: string, way: readonly string[]): void {
    const at = way.indexOf(file);
    if (at !== -1) found.push([...way.slice(at), file].join(' → '));
    if (at !== -1 || done.has(file)) return;
    for (const next of graph.get(file) ?? []) walk(next, [...way, file]);
    done.add(file);
  }
  for (const file of graph.keys()) walk(file, []);
  return found;
}

describe('the house', () => {
  it('lets a room see itself and the rooms below it only', () => {
    for (const from of sources()) {
      const rank = ROOMS.indexOf(from.room);
      assert.notEqual(rank, -1, `${from.file} stands in a room that the table does not know`);
      // Data files (the manifest with our version) are no rooms.
      for (const target of importsOf(from).filter((file) => file.endsWith('.ts'))) {
        const to = target.split(sep)[0] ?? target;
        assert.ok(
          ROOMS.indexOf(to) <= rank && ROOMS.includes(to),
          `${from.file} imports ${target}: ${from.room} may not see ${to}`,
        );
      }
    }
  });

  it('has no circle among files, not even one of types', () => {
    const threeFiles = Object.entries({ a: ['b'], b: ['c'], c: ['b'] });
    assert.deepEqual(circlesIn(new Map(threeFiles)), ['b → c → b']);
    assert.deepEqual(circlesIn(importGraph()), []);
  });

  it('keeps clocks, dice, environment and files out of the pure rooms', () => {
    for (const { file, room, text } of sources().filter((of) => PURE.includes(of.room))) {
      const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
      assert.doesNotMatch(code, IMPURE_WORDS, `${file} of the pure room ${room}`);
      assert.doesNotMatch(code, IMPURE_MODULES, `${file} of the pure room ${room}`);
    }
  });

  it('has no state in modules, no default exports, no any', () => {
    for (const { file, text } of sources()) {
      assert.doesNotMatch(text, /^(?:export )?let /m, `${file} has a module-level let`);
      assert.doesNotMatch(text, /^export default /m, `${file} has a default export`);
    }
  });

  it('begins every file with a line that says what it is for', () => {
    for (const { file, text } of sources()) assert.match(text, /^(#!.*\n)?\/\*\*/, `${file} has no doc line`);
  });

  it('lists every provider that is odd, and shows each in a test', () => {
    const listed = readFileSync(join(source, 'providers', 'index.ts'), 'utf8');
    const files = globSync('providers/*.ts', { cwd: source }).map((file) => file.split(sep)[1] ?? '');
    const tests = files
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => readFileSync(join(source, 'providers', name), 'utf8'))
      .join('');
    for (const file of files.filter(
      (name) => !name.endsWith('.test.ts') && !['index.ts', 'provider.ts', 'amend.ts'].includes(name),
    )) {
      assert.ok(listed.includes(`./${file}`), `providers/index.ts does not list ${file}`);
      assert.ok(tests.includes(`./${file}`), `no test looks at providers/${file}`);
    }
  });

  it('names no machine, no registry host and no download address in what is committed', () => {
    const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
      .split('\0')
      .filter((file) => file !== '');
    for (const file of tracked) {
      if (/\.(png|ico|woff2|pem)$/.test(file)) continue;
      const text = readFileSync(join(root, file), 'utf8');
      assert.doesNotMatch(text, /"resolved": ?"http/, `${file} holds a download address`);
    }
  });

  it('pins every dependency to one version, without install scripts', () => {
    for (const file of ['package.json', 'gateway/package.json']) {
      const manifest: Record<string, Record<string, string> | undefined> = JSON.parse(
        readFileSync(join(root, file), 'utf8'),
      );
      for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies']) {
        for (const [name, version] of Object.entries(manifest[kind] ?? {}))
          assert.match(version, /^\d+\.\d+\.\d+$/, `${file}: ${name} is not pinned`);
      }
    }
    assert.match(readFileSync(join(root, '.npmrc'), 'utf8'), /^ignore-scripts=true$/m);
  });
});
