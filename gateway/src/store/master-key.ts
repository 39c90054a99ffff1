/**
 * The master keys of this machine: what is in `TURNOUT_MASTER_KEY`, else the file `master-key` in the data folder. Beside
 * the file stands `master-key.next` while it is changed, so that whatever is sealed can be opened at every moment of it.
 */
import { fsyncSync, closeSync, openSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { masterKey, type MasterKey } from '../credentials/seal.ts';
import { ensureSecretFile, readSecret } from './secret.ts';

const FILE = 'master-key';
const NEXT = 'master-key.next';
/** 32 bytes; with or without the padding, in either alphabet. */
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/;

/** The first seals, all of them open. */
export type MasterKeys = readonly [MasterKey, ...MasterKey[]];

/** What `TURNOUT_MASTER_KEY` has: one key, or the new one and those before it, with commas between. Throws for people. */
export function keysOfEnvironment(text: string): MasterKeys {
  const [first, ...others] = text.split(',').map((part) => {
    if (!BASE64.test(part.trim()))
      throw new Error('TURNOUT_MASTER_KEY must be 32 bytes in base64. Make one with: openssl rand -base64 32');
    return masterKey(Buffer.from(part.trim(), 'base64url'));
  });
  if (first === undefined) throw new Error('TURNOUT_MASTER_KEY is empty');
  return [first, ...others];
}

/** All keys at hand; the file is made where nothing else is. Read anew each time: another process may have changed it. */
export function masterKeys(dataDir: string, fromEnvironment: MasterKeys | undefined): MasterKeys {
  // Before the other, whose place it may take meanwhile: then it is read twice, and never missed.
  const next = filed(dataDir, NEXT);
  if (fromEnvironment !== undefined) return [...fromEnvironment, ...filed(dataDir, FILE), ...next];
  return [masterKey(ensureSecretFile(dataDir, FILE)), ...next];
}

/** The key that is to come, made where there is none. One that a rotation left behind is taken up again. */
export function nextMasterKey(dataDir: string): MasterKey {
  return masterKey(ensureSecretFile(dataDir, NEXT));
}

/** The key to come takes the place of the one in the file. Call it once nothing is sealed with that one any more. */
export function takeNextMasterKey(dataDir: string): void {
  renameSync(join(dataDir, NEXT), join(dataDir, FILE));
  const folder = openSync(dataDir, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function filed(dataDir: string, name: string): readonly MasterKey[] {
  const bytes = readSecret(join(dataDir, name));
  return bytes === undefined ? [] : [masterKey(bytes)];
}
