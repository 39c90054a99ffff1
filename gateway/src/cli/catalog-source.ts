/** Fetches what a person named: a JSON file or an http(s) address. Limited in size and time. */
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Json } from '../lib/json.ts';
import { parseJson } from '../lib/json.ts';
import { err, ok } from '../lib/result.ts';
import type { Result } from '../lib/result.ts';

/** Twelve times what models.dev has today. */
const SOURCE_MAX_BYTES = 32 * 1024 * 1024;
/** All of it, redirects included. */
const FETCH_TIMEOUT_MS = 30_000;
const REDIRECTS_MAX = 5;

export interface SourceOptions {
  /** A file's path is relative to this. */
  readonly cwd: string;
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
}

/** The JSON behind a path or address. The error is a sentence for the person who typed it. */
export async function readJsonSource(source: string, options: SourceOptions): Promise<Result<Json, string>> {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(source)
    ? await fetchText(source, options)
    : await readText(source, options);
  if (!text.ok) return text;
  const json = parseJson(text.value);
  return json === undefined ? err(`${source} is not JSON`) : ok(json);
}

async function readText(
  path: string,
  { cwd, maxBytes = SOURCE_MAX_BYTES }: SourceOptions,
): Promise<Result<string, string>> {
  try {
    const full = resolve(cwd, path);
    const { size } = await stat(full);
    if (size > maxBytes) return err(`${path} is larger than ${maxBytes} bytes`);
    return ok(await readFile(full, 'utf8'));
  } catch (error) {
    return err(`${path} cannot be read: ${reasonOf(error)}`);
  }
}

async function fetchText(source: string, options: SourceOptions): Promise<Result<string, string>> {
  const { timeoutMs = FETCH_TIMEOUT_MS, maxBytes = SOURCE_MAX_BYTES } = options;
  const signal = AbortSignal.timeout(timeoutMs);
  let url = source;
  try {
    for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects += 1) {
      const refused = whyNot(url, source);
      if (refused !== undefined) return err(refused);
      const response = await fetch(url, { redirect: 'manual', signal, headers: { accept: 'application/json' } });
      const location = response.headers.get('location');
      if (!isRedirect(response.status) || location === null) return await bodyOf(response, url, maxBytes);
      await response.body?.cancel();
      if (!URL.canParse(location, url)) return err(`${url} redirects to something that is no address`);
      url = new URL(location, url).href;
    }
    return err(`${source} redirects more than ${REDIRECTS_MAX} times`);
  } catch (error) {
    return err(
      signal.aborted ? `${url} did not answer within ${timeoutMs} ms` : `${url} cannot be reached: ${reasonOf(error)}`,
    );
  }
}

/** Only http and https, and never from https to http: prices that anyone on the way may change are no prices. */
function whyNot(url: string, source: string): string | undefined {
  if (!URL.canParse(url)) return `${source} is no address`;
  const { protocol } = new URL(url);
  if (protocol !== 'https:' && protocol !== 'http:')
    return `${source}: only http and https addresses are read, not ${protocol}`;
  const isDowngrade = protocol === 'http:' && new URL(source).protocol === 'https:';
  return isDowngrade ? `${source} redirects from https to http, which is refused` : undefined;
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

async function bodyOf(response: Response, url: string, maxBytes: number): Promise<Result<string, string>> {
  if (!response.ok) {
    await response.body?.cancel();
    return err(`${url} answered with status ${response.status}`);
  }
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  // Counted after decompression: a small reply may unfold to anything.
  for await (const chunk of response.body ?? []) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxBytes) return err(`${url} is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return ok(Buffer.concat(chunks).toString('utf8'));
}

/** Node hides what matters in the cause (`fetch failed`). */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
