/** `turnout doctor`: looks at all that a gateway needs, a line each, and says what to do. Changes nothing. */
import { resolve } from 'node:path';
import { configSchema } from '../config/schema.ts';
import { storePlace } from '../store/place.ts';
import { loadCatalog } from './catalog-file.ts';
import { readConfigFile } from './config-file.ts';
import { dataDirOf } from './configuration.ts';
import { credentialRows } from './credential-rows.ts';
import type { Check, Finding, Level, Patient } from './doctor/check.ts';
import { DATA } from './doctor/data.ts';
import { MACHINE } from './doctor/machine.ts';
import { PARTS } from './doctor/parts.ts';
import { SETTINGS } from './doctor/settings.ts';
import type { CommandIo } from './io.ts';
import { textOf, type Words } from './options.ts';
import { EXIT, inert, runCommand } from './output.ts';
import { wantsJson } from './words.ts';

const HELP = `usage: turnout doctor [--config FILE] [--data DIR] [--json]

Looks at the machine, the data folder, the configuration, the store and what stands around; a line each.
Exit code 0 where nothing is a problem; warnings do not fail.
`;

const CHECKS: readonly Check[] = [...MACHINE, ...DATA, ...SETTINGS, ...PARTS];
const MARKS = { ok: 'ok      ', warning: 'warning ', problem: 'PROBLEM ' } as const satisfies Record<Level, string>;

const OPTIONS = {
  config: { type: 'string' },
  data: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

export async function doctorCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return runCommand({ args, io, help: HELP, options: OPTIONS }, async (words) => {
    const patient = await patientOf(words, io);
    const rows = await Promise.all(
      CHECKS.map(async (check) => ({ name: check.name, finding: await look(check, patient) })),
    );
    const findings = rows.flatMap(({ name, finding }) => (finding === undefined ? [] : [{ name, ...finding }]));
    const ok = findings.every(({ level }) => level !== 'problem');
    io.stdout(wantsJson(words) ? `${JSON.stringify({ ok, checks: findings })}\n` : shown(findings));
    return ok ? EXIT.ok : EXIT.failed;
  });
}

async function patientOf(words: Words, io: CommandIo): Promise<Patient> {
  const file = resolve(io.cwd, textOf(words, 'config') ?? io.env['TURNOUT_CONFIG'] ?? 'turnout.yaml');
  const read = await readConfigFile(file, { file, env: io.env });
  const config = read.result.ok ? read.result.value.config : configSchema.parse({});
  const given = textOf(words, 'data') ?? io.env['TURNOUT_DATA'];
  const dataDir = dataDirOf({ given, config, file, cwd: io.cwd });
  const catalog = loadCatalog(dataDir, () => undefined);
  const credentials = await credentialRows(config, catalog, io.env);
  return {
    io,
    file,
    read,
    config,
    dataDir,
    store: { dataDir, ...storePlace(io.env, config.store) },
    credentials,
    now: Date.now,
  };
}

/** A check that fails has found something, too. */
async function look(check: Check, patient: Patient): Promise<Finding | undefined> {
  try {
    return await check.look(patient);
  } catch (error) {
    return { level: 'problem', says: error instanceof Error ? error.message : String(error) };
  }
}

function shown(findings: readonly (Finding & { readonly name: string })[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const indent = ' '.repeat(MARKS.ok.length + width + 2);
  const lines = findings.map(({ name, level, says, todo }) => {
    const next = todo === undefined ? '' : `\n${indent}→ ${inert(todo)}`;
    return `${MARKS[level]}${name.padEnd(width)}  ${inert(says)}${next}\n`;
  });
  const count = (level: Level): number => findings.filter((finding) => finding.level === level).length;
  return `${lines.join('')}\n${count('ok')} ok, ${count('warning')} warnings, ${count('problem')} problems\n`;
}
