/** The server's own secrets: made when they are first needed, each in a file that only its owner may read. */
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const SECRET_BYTES = 32;
const HEX = /^[0-9a-f]{64}$/;

/** Makes the data folder where it is missing, for its owner only. Throws what the file system throws. */
export function ensureDataDir(dataDir: string): void {
  if (existsSync(dataDir) && statSync(dataDir).isDirectory()) return;
  const above = dirname(dataDir);
  // Node's own `recursive` goes on for ever where the folder above is there and takes none (`/proc/x`).
  if (above !== dataDir) ensureDataDir(above);
  try {
    mkdirSync(dataDir, { mode: 0o700 });
  } catch (error) {
    // Another process has made it meanwhile.
    if (!existsSync(dataDir) || !statSync(dataDir).isDirectory()) throw error;
  }
}

/**
 * Reads the secret, or makes it. `given` (`TURNOUT_SECRET`) stands for the file. Throws where the file is there and is not
 * a secret of ours.
 */
export function ensureSecret(dataDir: string, given?: string): Buffer {
  return given === undefined ? ensureSecretFile(dataDir, 'secret') : secretOf(given, 'TURNOUT_SECRET');
}

/**
 * Reads a secret, or makes it. Two processes that start at once end up with the same one: the file is written whole
 * under another name and linked, and a link does not replace. Throws where the file is there and is not a secret of ours.
 */
export function ensureSecretFile(dataDir: string, name: string): Buffer {
  const path = join(dataDir, name);
  const draft = join(dataDir, `${name}.${randomBytes(8).toString('hex')}`);
  const known = readSecret(path);
  if (known !== undefined) return known;
  try {
    writeFileSync(draft, `${randomBytes(SECRET_BYTES).toString('hex')}\n`, { mode: 0o600, flag: 'wx', flush: true });
    // The mode above passes through the umask, which may only take rights away; this states it.
    chmodSync(draft, 0o600);
    linkSync(draft, path);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  const made = readSecret(path);
  if (made === undefined) throw new Error('the secret vanished while it was made');
  return made;
}

/** The secret in a file; undefined where there is no file. */
export function readSecret(path: string): Buffer | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  return secretOf(text, path);
}

function secretOf(text: string, from: string): Buffer {
  // A new one would lock every key out; better to stop and let a person look.
  if (!HEX.test(text)) throw new Error(`${from} does not hold a secret of 64 hex digits. Restore it from a backup.`);
  return Buffer.from(text, 'hex');
}

/** A number by which two secrets are told apart, and which tells nothing of either. */
export function secretMark(secret: Buffer): bigint {
  return createHash('sha256').update('turnout mark of a secret').update(secret).digest().readBigInt64BE(0);
}

/** Whether an error is that of the file system with this code (`ENOENT`). */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
