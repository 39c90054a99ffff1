/** Passwords by Argon2id, stored as PHC strings. The work is done by Node's thread pool, never on the loop. */
import * as crypto from 'node:crypto';
import { promisify } from 'node:util';
import { fault, type Fault } from '../chat/fault.ts';
import { err, ok, type Result } from '../lib/result.ts';

/**
 * OWASP Password Storage Cheat Sheet (cheatsheetseries.owasp.org, as read in 2026): Argon2id with at least 19 MiB of memory, two passes and
 * one lane. RFC 9106, section 3.1: 16 bytes of salt; 32 bytes of tag.
 */
const PARAMETERS = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 } as const;
const SALT_BYTES = 16;
/** 19 MiB each, and a thread of Node's pool (it has four): the rest of the pool is for files and names. */
const AT_ONCE_MAX = 2;
/** Some seconds of work. Who comes later is told to come again. */
const QUEUE_MAX = 100;
/** NIST SP 800-63B-4, section 3.1.1.2: the length is what counts, and no rule of kinds of characters; 64 characters or more must be taken. */
const LENGTH_MIN = 12;
const LENGTH_MAX = 256;
const DISTINCT_MIN = 5;
const PHC = /^\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,86})$/;
/** Nothing of ours asks for more; a database that was tampered with could. */
const MEMORY_MAX = 1_048_576;

export interface Passwords {
  /** False on a Node.js without Argon2: then nobody can log in by a password. */
  readonly isAvailable: boolean;
  /** A PHC string. Faults: `passwords-off`, and `overloaded` where too many wait. */
  readonly hash: (password: string) => Promise<Result<string, Fault>>;
  /** Whether it is the password. Without a PHC string it takes as long, and is not. */
  readonly verify: (password: string, phc: string | undefined) => Promise<Result<boolean, Fault>>;
}

type Argon2 = (algorithm: 'argon2id', parameters: crypto.Argon2Parameters) => Promise<Buffer>;

/** `none`: this Node.js has no Argon2 (it came with 24.7). */
export function passwords(argon2: Argon2 | 'none' = nodeArgon2()): Passwords {
  const inTurn = turns();
  const derive = async (password: string, { salt, ...cost }: Cost): Promise<Result<Buffer, Fault>> => {
    if (argon2 === 'none') return err(fault('passwords-off'));
    const work = async (): Promise<Buffer> => argon2('argon2id', { ...cost, message: folded(password), nonce: salt });
    return inTurn(work);
  };
  return {
    isAvailable: argon2 !== 'none',
    hash: async (password) => {
      const salt = crypto.randomBytes(SALT_BYTES);
      const tag = await derive(password, { ...PARAMETERS, salt });
      return tag.ok ? ok(phcOf(salt, tag.value)) : tag;
    },
    verify: async (password, phc) => {
      const stored = phc === undefined ? undefined : readPhc(phc);
      const { tag: expected, ...cost } = stored ?? NOBODY;
      const tag = await derive(password, cost);
      if (!tag.ok) return tag;
      const isSame = tag.value.length === expected.length && crypto.timingSafeEqual(tag.value, expected);
      return ok(isSame && stored !== undefined);
    },
  };
}

/** Why a password cannot be taken; undefined where it can. */
export function whyNotPassword(password: string, email: string): string | undefined {
  const plain = password.normalize('NFKC');
  const letters = Array.from(plain);
  if (letters.length < LENGTH_MIN) return `it must have ${LENGTH_MIN} characters or more`;
  if (password.length > LENGTH_MAX) return `it must have at most ${LENGTH_MAX} characters`;
  if (new Set(letters).size < DISTINCT_MIN) return 'it is one of the first that are guessed: take other characters';
  const name = email.split('@')[0] ?? '';
  const isMine =
    email !== '' && (plain.toLowerCase().includes(email) || (name.length >= 8 && plain.toLowerCase() === name));
  return isMine ? 'it must not hold the e-mail address' : undefined;
}

interface Cost {
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly tagLength: number;
  readonly salt: Buffer;
}

/** What is worked on where there is no such account, so that the answer takes as long. */
const NOBODY = { ...PARAMETERS, salt: Buffer.alloc(SALT_BYTES, 1), tag: Buffer.alloc(PARAMETERS.tagLength, 0) };

function nodeArgon2(): Argon2 | 'none' {
  return typeof crypto.argon2 === 'function' ? promisify(crypto.argon2) : 'none';
}

/** The same text however it was typed (NIST SP 800-63B-4, section 3.1.1.2). */
function folded(password: string): Buffer {
  return Buffer.from(password.normalize('NFKC'), 'utf8');
}

function phcOf(salt: Buffer, tag: Buffer): string {
  const { memory, passes, parallelism } = PARAMETERS;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${b64(salt)}$${b64(tag)}`;
}

/** Base64 without padding, as the PHC string format has it. */
function b64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}

function readPhc(phc: string): (Cost & { readonly tag: Buffer }) | undefined {
  const [, m = '', t = '', p = '', saltText = '', tagText = ''] = PHC.exec(phc) ?? [];
  const [memory, passes, parallelism] = [Number(m), Number(t), Number(p)];
  if (m === '' || memory > MEMORY_MAX) return undefined;
  const tag = Buffer.from(tagText, 'base64');
  return { memory, passes, parallelism, salt: Buffer.from(saltText, 'base64'), tag, tagLength: tag.length };
}

/** A few at a time; the others wait, within a bound. */
function turns(): <T>(work: () => Promise<T>) => Promise<Result<T, Fault>> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= AT_ONCE_MAX) {
      if (waiting.length >= QUEUE_MAX)
        return err(fault('overloaded', { reason: 'too many logins at once' }, { retryAfterMs: 2000 }));
      await new Promise<void>((resolve) => void waiting.push(resolve));
    } else running += 1;
    try {
      return ok(await work());
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
