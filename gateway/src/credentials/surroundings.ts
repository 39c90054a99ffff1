/** What a credential may be made of: the environment, small files, and requests to those who hand out tokens. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { err, ok, type Result } from '../lib/result.ts';
import { originOf } from '../lib/url.ts';
import type { Upstream } from '../upstream/upstream.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A service account has 2,400 bytes; a file with all of a company's profiles some hundred kilobytes. */
export const FILE_MAX_BYTES = 1024 * 1024;
/** Tokens have some kilobytes. */
const ANSWER_MAX_BYTES = 256 * 1024;
/** A metadata service answers within milliseconds, a token endpoint within half a second, or does not answer. */
const LIMITS = { connectMs: 2_000, firstByteMs: 5_000, idleMs: 5_000, bodyMaxBytes: ANSWER_MAX_BYTES };
/** One that sends a byte a second has to end as well. */
const TOTAL_MS = 10_000;

export interface Asked {
  readonly url: string;
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For texts: `AWS STS`. */
  readonly who: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface Surroundings {
  readonly env: Environment;
  /** The text of a file, at most 1 MiB of it; undefined where it cannot be read. */
  readonly read: (path: string) => Promise<string | undefined>;
  /** One request, no redirect followed. The error is a sentence without an address. */
  readonly ask: (asked: Asked) => Promise<Result<Answer, string>>;
}

/** The real ones. */
export function surroundings(env: Environment, upstream: Upstream): Surroundings {
  return { env, read: readSmallFile, ask: (asked) => ask(upstream, asked) };
}

/** A set variable, trimmed; undefined where it is missing or empty. */
export function variable(env: Environment, ...names: readonly string[]): string | undefined {
  return names.map((name) => env[name]?.trim()).find((value) => value !== undefined && value !== '');
}

/** A path below the home directory. */
export function atHome(env: Environment, ...steps: readonly string[]): string {
  return join(variable(env, 'HOME', 'USERPROFILE') ?? '.', ...steps);
}

/** The text of a file, at most 1 MiB of it; undefined where it cannot be read. */
export async function readSmallFile(path: string): Promise<string | undefined> {
  try {
    const handle = await open(path, 'r');
    try {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(FILE_MAX_BYTES), 0, FILE_MAX_BYTES, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}

function ask(upstream: Upstream, asked: Asked): Promise<Result<Answer, string>> {
  const { url, method, headers, body, who } = asked;
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let head: Omit<Answer, 'text'> = { status: 0, headers: {} };
    const late = setTimeout(() => {
      exchange.abort();
      resolve(err(`${who} did not finish within ${TOTAL_MS} ms.`));
    }, TOTAL_MS).unref();
    const over = (result: Result<Answer, string>): void => {
      clearTimeout(late);
      resolve(result);
    };
    const call = {
      url,
      method,
      headers,
      provider: who,
      limits: LIMITS,
      body: body === undefined ? undefined : Buffer.from(body),
      // Named by the environment or the configuration, which are the operator's word; metadata services are link-local.
      allowPrivate: true,
      secretOrigin: originOf(url) ?? url,
    };
    const exchange = upstream.send(call, {
      head(status, received) {
        head = { status, headers: received };
      },
      data: (chunk) => void chunks.push(chunk),
      end: () => over(ok({ ...head, text: Buffer.concat(chunks).toString('utf8') })),
      fail: (of) => over(err(of.message)),
    });
  });
}
