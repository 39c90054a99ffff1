/** The files of deploy/, read as their tools read them. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import { asRecord, isRecord, type JsonRecord } from '../../src/lib/json.ts';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
export const DEPLOY = join(ROOT, 'deploy');
export const CHART = join(DEPLOY, 'helm', 'turnout');
/** The oldest that the chart names. */
const KUBERNETES = '1.27.0';

export function textIn(...path: readonly string[]): string {
  return readFileSync(join(DEPLOY, ...path), 'utf8');
}

export function yamlIn(...path: readonly string[]): JsonRecord {
  return asRecord(parse(textIn(...path), { merge: true })) ?? {};
}

/** What the chart makes of these settings (`a.b=c`), by Helm itself. Throws what Helm says where it refuses. */
export function rendered(helm: string, settings: readonly string[] = []): readonly JsonRecord[] {
  const args = ['template', 'probe', CHART, '--kube-version', KUBERNETES, ...settings.flatMap((one) => ['--set', one])];
  const text = execFileSync(helm, args, { encoding: 'utf8', stdio: 'pipe', timeout: 60_000 });
  return parseAllDocuments(text).flatMap((document) => {
    const value: unknown = document.toJS();
    return isRecord(value) ? [value] : [];
  });
}

/** The value at a path of names and indices; undefined where there is none. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((inner, step) => {
    if (Array.isArray(inner) && typeof step === 'number') return inner[step];
    return asRecord(inner)?.[String(step)];
  }, value);
}
