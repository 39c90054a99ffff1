/** JSON that only holders of a key can read or make: AES-256-GCM with nonces of 96 random bits (NIST SP 800-38D, 8.2.2), as base64. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { asRecord, parseJson, type JsonRecord } from '../lib/json.ts';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Nonce, ciphertext, tag. `key` has 32 bytes. */
export function sealed(record: JsonRecord, key: Buffer): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce);
  const text = Buffer.concat([cipher.update(JSON.stringify(record)), cipher.final()]);
  return Buffer.concat([nonce, text, cipher.getAuthTag()]).toString('base64');
}

/** Undefined where it was sealed with another key, or is not what was sealed. */
export function unsealed(text: string, key: Buffer): JsonRecord | undefined {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    const plain = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    return asRecord(parseJson(plain.toString()));
  } catch {
    return undefined;
  }
}
