/** The data folder: rights, space, disk, and what dead processes have left. */
import { accessSync, constants, existsSync, readdirSync, statfsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isAlive, lockFiles } from '../../store/books/process-lock.ts';
import { bad, doubt, fine, type Check, type Finding } from './check.ts';

const MIB = 1024 * 1024;
/** A journal of some hours while the database is away, and room for a copy of it. */
const SPACE_GOOD_BYTES = 1024 * MIB;
/** Below it a busy gateway is full within minutes. */
const SPACE_LEAST_BYTES = 100 * MIB;
/** Linux' numbers of file systems whose locks or syncs cannot be relied on (statfs(2)). */
const REMOTE: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x01021997, '9P'],
  [0x00c36400, 'Ceph'],
  [0x65735546, 'FUSE'],
]);
/** What only its owner may read: `secret` makes every key. */
const OTHERS = 0o077;

export const DATA: readonly Check[] = [
  { name: 'data folder', look: ({ dataDir }) => folder(dataDir) },
  { name: 'disk space', look: ({ dataDir }) => space(statfsSync(standing(dataDir))) },
  { name: 'local disk', look: ({ dataDir }) => disk(statfsSync(standing(dataDir)).type) },
  { name: 'dead processes', look: ({ dataDir }) => (existsSync(dataDir) ? remains(dataDir) : undefined) },
];

function folder(dataDir: string): Finding {
  if (!existsSync(dataDir)) {
    accessSync(standing(dataDir), constants.W_OK);
    return fine(`${dataDir} will be made by the first start`);
  }
  if (!canWrite(dataDir)) return bad(`${dataDir} cannot be written to`, 'give it to the user that runs Turnout');
  const open = [dataDir, join(dataDir, 'secret'), join(dataDir, 'master-key'), join(dataDir, 'turnout.db')].filter(
    (path) => existsSync(path) && (statSync(path).mode & OTHERS) !== 0 && process.platform !== 'win32',
  );
  if (open.length > 0) return doubt(`others may read ${open.join(', ')}`, `chmod go= ${open.join(' ')}`);
  return fine(dataDir);
}

function canWrite(dataDir: string): boolean {
  try {
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The folder, or the nearest one above it that there is. */
function standing(dataDir: string): string {
  return existsSync(dataDir) ? dataDir : standing(dirname(dataDir));
}

export function space({ bavail, bsize }: { readonly bavail: number; readonly bsize: number }): Finding {
  const bytes = bavail * bsize;
  const says = `${Math.floor(bytes / MIB)} MiB free`;
  if (bytes >= SPACE_GOOD_BYTES) return fine(says);
  const todo = 'make room: where receipts cannot be written, requests are refused';
  return bytes >= SPACE_LEAST_BYTES ? doubt(says, todo) : bad(says, todo);
}

export function disk(type: number): Finding {
  const name = REMOTE.get(type);
  if (name === undefined) return fine('as far as the system tells');
  return bad(`the data folder is on ${name}`, 'move it to a local disk: locks and syncs of files must be exact');
}

/** Locks without owners, and journals that the database has not taken in. */
function remains(dataDir: string): Finding {
  const locks = lockFiles(dataDir);
  const alive = locks.filter(({ processId }) => isAlive(dataDir, processId)).map(({ processId }) => processId);
  const journals = readdirSync(dataDir).flatMap((name) => /^journal-([a-z0-9]+)-\d+\.log$/.exec(name)?.[1] ?? []);
  const dead = new Set([...locks.map(({ processId }) => processId), ...journals]);
  for (const processId of alive) dead.delete(processId);
  const running = `${alive.length} gateway${alive.length === 1 ? '' : 's'} running on it`;
  if (dead.size === 0) return fine(running);
  return doubt(
    `${running}; ${dead.size} that died left receipts or locks`,
    'nothing: whoever runs, or starts next, takes them in',
  );
}
