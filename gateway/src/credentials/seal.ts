/**
 * Sealed secrets. Each is encrypted with a data key of its own, and that one with a master key (an envelope): another master
 * key seals the data keys anew and leaves the secrets as they are. AES-256-GCM with nonces of 96 random bits (NIST SP 800-38D,
 * 8.2.2): a data key is used once, a master key far below the 2^32 times of section 8.3. What a secret is for is authenticated
 * with it, so that a row of the database that was changed opens nothing.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { err, ok, type Result } from '../lib/result.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = 'aes-256-gcm';
const VERSION = 'v1';

export interface MasterKey {
  /** Tells keys apart and says nothing of them. */
  readonly id: string;
  readonly bytes: Buffer;
}

/** What a secret is bound to. */
export interface Purpose {
  /** Of its row. */
  readonly id: string;
  readonly provider: string;
  /** Scheme, host and port. */
  readonly origin: string;
}

/** `key-unknown`: sealed with another master key. `damaged`: it is not what was sealed, or not for this purpose. */
export type SealProblem = 'key-unknown' | 'damaged';

/** Of 32 bytes. */
export function masterKey(bytes: Buffer): MasterKey {
  if (bytes.length !== KEY_BYTES) throw new Error(`a master key has ${KEY_BYTES} bytes`);
  const id = createHash('sha256').update('turnout master key').update(bytes).digest('hex').slice(0, 16);
  return { id, bytes };
}

export function newMasterKey(): MasterKey {
  return masterKey(randomBytes(KEY_BYTES));
}

/** `v1.MASTER.WRAPPED.PAYLOAD`, both in base64url: nonce, ciphertext, tag. */
export function seal(secret: string, purpose: Purpose, master: MasterKey): string {
  const dataKey = randomBytes(KEY_BYTES);
  const payload = encrypted(Buffer.from(secret), { key: dataKey, about: aboutSecret(purpose) });
  return envelope(dataKey, { purpose, master, payload });
}

export function unseal(sealed: string, purpose: Purpose, masters: readonly MasterKey[]): Result<string, SealProblem> {
  const dataKey = dataKeyOf(sealed, purpose, masters);
  if (!dataKey.ok) return dataKey;
  const secret = decrypted(payloadOf(sealed), { key: dataKey.value, about: aboutSecret(purpose) });
  return secret === undefined ? err('damaged') : ok(secret.toString('utf8'));
}

/** The same secret under another master key. */
export function resealed(
  sealed: string,
  purpose: Purpose,
  { from, to }: { readonly from: readonly MasterKey[]; readonly to: MasterKey },
): Result<string, SealProblem> {
  const dataKey = dataKeyOf(sealed, purpose, from);
  if (!dataKey.ok) return dataKey;
  return ok(envelope(dataKey.value, { purpose, master: to, payload: payloadOf(sealed) }));
}

/** Which master key it is sealed with. */
export function masterOf(sealed: string): string {
  return sealed.split('.')[1] ?? '';
}

/** The secret itself, encrypted: the same under every master key. */
export function payloadOf(sealed: string): string {
  return sealed.split('.')[3] ?? '';
}

function envelope(
  dataKey: Buffer,
  { purpose, master, payload }: { readonly purpose: Purpose; readonly master: MasterKey; readonly payload: string },
): string {
  const wrapped = encrypted(dataKey, { key: master.bytes, about: aboutKey(purpose, master.id) });
  return [VERSION, master.id, wrapped, payload].join('.');
}

function dataKeyOf(sealed: string, purpose: Purpose, masters: readonly MasterKey[]): Result<Buffer, SealProblem> {
  const [version, id, wrapped = '', , ...more] = sealed.split('.');
  if (version !== VERSION || more.length > 0) return err('damaged');
  const master = masters.find((one) => one.id === id);
  if (master === undefined) return err('key-unknown');
  const dataKey = decrypted(wrapped, { key: master.bytes, about: aboutKey(purpose, master.id) });
  return dataKey?.length === KEY_BYTES ? ok(dataKey) : err('damaged');
}

function aboutSecret({ id, provider, origin }: Purpose): Buffer {
  return Buffer.from(JSON.stringify(['turnout secret', VERSION, id, provider, origin]));
}

function aboutKey({ id }: Purpose, masterId: string): Buffer {
  return Buffer.from(JSON.stringify(['turnout data key', VERSION, masterId, id]));
}

/** A key, and what is authenticated beside the text. */
interface Under {
  readonly key: Buffer;
  readonly about: Buffer;
}

function encrypted(plain: Buffer, { key, about }: Under): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(about);
  const text = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, text, cipher.getAuthTag()]).toString('base64url');
}

/** Undefined for all that was not encrypted so, to the bit. */
function decrypted(text: string, { key, about }: Under): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  // The last letter has bits that no byte has: another letter would give the same bytes.
  if (bytes.length < NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== text) return undefined;
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(about);
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}
