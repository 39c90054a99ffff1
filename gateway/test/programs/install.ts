/** Real coding programs from npm, at pinned versions, in a folder outside of the repository: they weigh 2.3 GB together. */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** One program: what `npm install` takes, and where its entry then is, below `node_modules`. */
export interface Pin {
  readonly spec: string;
  readonly entry: string;
}

const CACHE = join(tmpdir(), 'turnout-programs-cache');
const INSTALL_MS = 5 * 60 * 1000;
const PLATFORM = `${process.platform}-${process.arch}`;

/**
 * By the name of their row in `turnout launch`. Scripts of packages are not run: where one would put the binary of the platform in
 * its place, the entry names that binary.
 */
export const PINS: ReadonlyMap<string, Pin> = new Map(
  Object.entries({
    claude: { spec: '@anthropic-ai/claude-code@2.1.332', entry: `@anthropic-ai/claude-code-${PLATFORM}/claude` },
    codex: { spec: '@openai/codex@0.171.0', entry: '.bin/codex' },
    opencode: { spec: 'opencode-ai@1.18.33', entry: `opencode-${PLATFORM}/bin/opencode` },
    gemini: { spec: '@google/gemini-cli@0.61.0', entry: '.bin/gemini' },
    qwen: { spec: '@qwen-code/qwen-code@0.24.4', entry: '.bin/qwen' },
    copilot: { spec: '@github/copilot@1.0.102', entry: '.bin/copilot' },
    cline: { spec: 'cline@3.0.65', entry: '.bin/cline' },
    continue: { spec: '@continuedev/cli@1.5.47', entry: '.bin/cn' },
    pi: { spec: '@mariozechner/pi-coding-agent@0.73.1', entry: '.bin/pi' },
  }),
);

/** LlamaIndex's packages: 109 MB with the SDKs that they pin, and no longer maintained, so that they are installed in CI only, or where asked. */
export const LLAMAINDEX = [
  '@llamaindex/core@0.6.23',
  '@llamaindex/env@0.1.31',
  '@llamaindex/openai@0.4.23',
  '@llamaindex/anthropic@0.3.27',
  '@llamaindex/google@0.4.1',
] as const;

/** Installs once a set of versions. Gives what loads a module of it. */
export async function installLibraries(specs: readonly string[]): Promise<NodeJS.Require> {
  const dir = join(CACHE, specs.join(' ').replaceAll(/[^\w.-]+/g, '_'));
  if (!existsSync(dir)) await installInto(dir, specs);
  return createRequire(join(dir, 'package.json'));
}

/** Installs once a version. Gives the folder in which the program stands under its own name, for PATH; rejects with what npm said. */
export async function install({ spec, entry }: Pin, binary: string): Promise<string> {
  const dir = join(CACHE, spec.replaceAll(/[^\w.-]+/g, '_'));
  if (!existsSync(dir)) await installInto(dir, [spec]);
  const program = join(dir, 'node_modules', entry);
  if (!existsSync(program)) throw new Error(`${spec} has no ${entry}`);
  const bin = join(dir, 'bin');
  mkdirSync(bin, { recursive: true });
  if (!existsSync(join(bin, binary))) symlinkSync(program, join(bin, binary));
  return bin;
}

/** Whole or not at all: it is moved to its place when npm is done. */
async function installInto(dir: string, specs: readonly string[]): Promise<void> {
  const work = `${dir}.${process.pid}`;
  mkdirSync(work, { recursive: true });
  writeFileSync(join(work, 'package.json'), '{"private": true}\n');
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...specs];
  const { code, output } = await npm(args, work);
  if (code !== 0) {
    rmSync(work, { recursive: true, force: true });
    throw new Error(`npm install ${specs.join(' ')} failed: ${output}`);
  }
  mkdirSync(dirname(dir), { recursive: true });
  renameSync(work, dir);
}

function npm(args: readonly string[], cwd: string): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn('npm', args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: INSTALL_MS });
  let output = '';
  const take = (chunk: Buffer): void => void (output += chunk.toString('utf8'));
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  return new Promise((done) => {
    child.once('error', (error) => done({ code: null, output: error.message }));
    child.once('close', (code) => done({ code, output }));
  });
}
