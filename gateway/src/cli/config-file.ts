/** The configuration as a file: read under a limit, and watched however an editor or an orchestrator replaces it. */
import { statSync, watch } from 'node:fs';
import type { BigIntStats, FSWatcher } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ConfigError } from '../config/finding.ts';
import { parseConfig } from '../config/load.ts';
import type { LoadedConfig, ParseOptions } from '../config/load.ts';
import { DOCUMENT_MAX_BYTES } from '../config/source.ts';
import { err, ok } from '../lib/result.ts';
import type { Result } from '../lib/result.ts';

/** How long the file must stay as it is before it counts as written. Editors write in several steps, a few ms apart. */
const SETTLE_MS = 100;
/** Where no event comes (network file systems, too many watches), the file is looked at this often. */
const POLL_MS = 2000;

/** What was read, with the text so that errors can be shown in it. */
export interface ReadConfig {
  /** Empty where the file could not be read. */
  readonly text: string;
  readonly result: Result<LoadedConfig, readonly ConfigError[]>;
}

/** Reads and checks a file. A file that is missing, unreadable, too large or not UTF-8 is an error on its first line. */
export async function readConfigFile(path: string, options: ParseOptions): Promise<ReadConfig> {
  const text = await readConfigText(path, options.file);
  if (!text.ok) return { text: '', result: err([text.error]) };
  return { text: text.value, result: parseConfig(text.value, options) };
}

/** The text of a file, under the same limits; `file`: its name, for the error. */
export async function readConfigText(path: string, file: string): Promise<Result<string, ConfigError>> {
  const refuse = (message: string, line = 1): Result<string, ConfigError> =>
    err({ file, line, column: 1, length: 1, path: '', message });
  try {
    const bytes = await readUpTo(path, DOCUMENT_MAX_BYTES + 1);
    if (bytes.length > DOCUMENT_MAX_BYTES) {
      return refuse(`The document is larger than ${DOCUMENT_MAX_BYTES} bytes. Is it the right file?`);
    }
    const text = bytes.toString('utf8');
    const firstBad = text.indexOf('\ufffd');
    // A replacement character that stands in the file itself survives the way back; one that decoding put there does not.
    if (firstBad === -1 || Buffer.from(text).equals(bytes)) return ok(text);
    return refuse('The document is not valid UTF-8.', text.slice(0, firstBad).split('\n').length);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return refuse('There is no such file. Make one with `turnout init`.');
    return refuse(`The file cannot be read: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

/** The first bytes of a file: 50 MB of something else are never in memory. */
async function readUpTo(path: string, bytesMax: number): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(bytesMax);
    let length = 0;
    while (length < bytesMax) {
      const { bytesRead } = await handle.read(buffer, length, bytesMax - length, null);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.subarray(0, length);
  } finally {
    await handle.close();
  }
}

export interface WatchOptions {
  readonly settleMs?: number;
  readonly pollMs?: number;
  /** False leaves the operating system's events out and only looks at the file every `pollMs`. */
  readonly usesEvents?: boolean;
}

export interface ConfigWatch {
  /** After this, `onChange` is not called again. */
  close(): void;
}

/**
 * Calls `onChange` once after each change of the file, when it has been still for 100 ms: written in place, replaced by a
 * rename, re-linked (Kubernetes), deleted or made again. Watching does not keep the process alive.
 */
export function watchConfigFile(path: string, onChange: () => void, options: WatchOptions = {}): ConfigWatch {
  const { settleMs = SETTLE_MS, pollMs = POLL_MS, usesEvents = true } = options;
  let isClosed = false;
  let isLooking = false;
  // Now, not at the first look: a change in between would go unseen.
  let reported = signatureOf(statNow(path));
  let seen = reported;
  let timer: NodeJS.Timeout | undefined;

  /** Looks until the file is the same twice, `settleMs` apart. Other files of the folder cost one look each 100 ms at most. */
  async function look(): Promise<void> {
    if (isClosed) return;
    if (isLooking) return soon();
    isLooking = true;
    const now = signatureOf(await statSoon(path));
    isLooking = false;
    if (isClosed) return;
    const isStill = now === seen;
    seen = now;
    if (now === reported) return;
    if (!isStill) return soon();
    reported = now;
    onChange();
  }
  function soon(): void {
    if (isClosed || timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      void look();
    }, settleMs);
    timer.unref();
  }

  const poll = setInterval(() => {
    // While a change settles, a look out of turn would take half of it for the whole.
    if (timer === undefined) void look();
  }, pollMs);
  poll.unref();
  const watcher = usesEvents ? watchFolder(dirname(path), soon) : undefined;
  return {
    close() {
      isClosed = true;
      clearTimeout(timer);
      clearInterval(poll);
      watcher?.close();
    },
  };
}

/** The folder, not the file: a watch on a file ends when an editor renames another one into its place. */
function watchFolder(folder: string, onEvent: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { persistent: false }, onEvent);
    // No more watches to be had, or the folder is gone: looking every two seconds goes on.
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}

/** Changes with every write, rename and re-link; the stats follow symbolic links. */
function signatureOf(stats: BigIntStats | undefined): string {
  if (stats === undefined) return 'missing';
  return `${stats.ino} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}`;
}

function statNow(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}

async function statSoon(path: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(path, { bigint: true });
  } catch {
    return undefined;
  }
}
