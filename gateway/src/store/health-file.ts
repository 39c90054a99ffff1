/**
 * What was learned of targets, in a file of the data folder, so that a restart need not learn it anew. Not worth a journal:
 * where it is lost, or two processes write it, a few requests find out again.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseJson, type Json, type JsonRecord } from '../lib/json.ts';

const NAME = 'health.json';

export interface HealthFile {
  /** Undefined where there is none, or none that can be read. */
  read(): Json | undefined;
  /** Whole or not at all. Where it cannot be written, that is told once until it can be again. */
  write(learned: JsonRecord): void;
}

export function healthFile(dataDir: string, warn: (reason: string) => void): HealthFile {
  const file = join(dataDir, NAME);
  // Another process may write at the same moment: two in one draft would make a file of both.
  const draft = `${file}.${process.pid}.new`;
  let isBroken = false;
  return {
    read() {
      try {
        return parseJson(readFileSync(file, 'utf8'));
      } catch {
        return undefined;
      }
    },
    write(learned) {
      try {
        writeFileSync(draft, JSON.stringify(learned));
        renameSync(draft, file);
        isBroken = false;
      } catch (error) {
        if (!isBroken) warn(error instanceof Error ? error.message : String(error));
        isBroken = true;
      }
    },
  };
}
