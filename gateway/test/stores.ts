/** The databases that a store may have, each for tests that must hold on all of them. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { after } from 'node:test';
import { Client } from 'pg';
import { DATABASE } from '../src/store/books/books.ts';
import { proveLife } from '../src/store/books/postgres-life.ts';
import { takeLock } from '../src/store/books/process-lock.ts';
import { skipWithout } from './services/missing.ts';
import { ownPostgres, postgresPrograms, type OwnPostgres } from './services/postgres.ts';

/** A store of one test: a folder, and a database of its own where that is not in it. */
export interface StorePlace {
  readonly dataDir: string;
  readonly url?: string;
}

export interface MadePlace {
  readonly place: StorePlace;
  readonly remove: () => Promise<void>;
}

export interface TestStore {
  readonly name: string;
  /** Why it cannot be tested here. */
  readonly skip: string | false;
  /** A new, empty store. */
  readonly make: () => Promise<MadePlace>;
  /** Makes a process live, for as long as it is not let go. */
  readonly live: (place: StorePlace, processId: string) => Promise<() => Promise<void>>;
}

const sqlite: TestStore = {
  name: 'SQLite',
  skip: false,
  make: async () => newFolder(),
  live: async ({ dataDir }, processId) => {
    const lock = takeLock(dataDir, processId);
    return async () => lock?.drop();
  },
};

export const POSTGRES: TestStore = {
  name: 'PostgreSQL',
  skip: skipWithout(whyNoPostgres()),
  make: async () => {
    const { place, remove } = newFolder();
    const database = await newDatabase();
    return {
      place: { ...place, url: database.url },
      remove: async () => {
        await remove();
        await database.drop();
      },
    };
  },
  live: async ({ url = '' }, processId) => {
    const life = await proveLife(url, processId);
    return async () => life.end();
  },
};

export const STORES: readonly TestStore[] = [sqlite, POSTGRES];

let current: TestStore = sqlite;

/** Which of them `inStore` makes from now on in this process. At first SQLite. */
export function useStore(store: TestStore): void {
  current = store;
}

/** Runs a test with a new store and takes it away afterwards. */
export async function inStore(run: (place: StorePlace) => Promise<void>): Promise<void> {
  const { place, remove } = await current.make();
  try {
    await run(place);
  } finally {
    await remove();
  }
}

function newFolder(): MadePlace {
  const dataDir = mkdtempSync(join(tmpdir(), 'turnout-store-'));
  return { place: { dataDir }, remove: async () => rmSync(dataDir, { recursive: true, force: true }) };
}

function whyNoPostgres(): string | undefined {
  if (process.env['TURNOUT_TEST_POSTGRES'] !== undefined || postgresPrograms() !== undefined) return undefined;
  return 'PostgreSQL is not installed (apt-get install postgresql), and TURNOUT_TEST_POSTGRES names none';
}

let own: Promise<OwnPostgres> | undefined;
after(async () => (await own)?.remove());

async function serverUrl(): Promise<string> {
  const given = process.env['TURNOUT_TEST_POSTGRES'];
  if (given !== undefined) return given;
  own ??= ownPostgres();
  return (await own).url;
}

async function newDatabase(): Promise<{ readonly url: string; readonly drop: () => Promise<void> }> {
  const server = await serverUrl();
  const name = `turnout_${randomBytes(8).toString('hex')}`;
  await ask(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: async () => void (await ask(server, `drop database ${name} with (force)`)) };
}

type Found = Readonly<Record<string, unknown>>;

/** What a query finds, past the books. */
export async function look({ dataDir, url }: StorePlace, query: string): Promise<readonly Found[]> {
  if (url !== undefined) return ask(url, query);
  const database = new DatabaseSync(join(dataDir, DATABASE), { readOnly: true });
  try {
    return database.prepare(query).all();
  } finally {
    database.close();
  }
}

/** A statement, or several, on a connection of its own. */
export async function ask(url: string, statement: string): Promise<readonly Found[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Found>(statement)).rows;
  } finally {
    await client.end();
  }
}
