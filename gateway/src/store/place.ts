/** Where a store is: SQLite in the data folder, or a PostgreSQL server. */
import { compact } from '../lib/json.ts';

/** What is read of the environment: which store, and the secrets that all its gateways share. */
export interface StoreVariables {
  readonly TURNOUT_STORE?: string | undefined;
  readonly TURNOUT_SECRET?: string | undefined;
  readonly TURNOUT_MASTER_KEY?: string | undefined;
}

export interface StorePlace {
  /** `postgres://…`; absent: SQLite in the data folder. Holds a password: never to be shown. */
  readonly url?: string;
  /** 64 hex digits; absent: the file `secret` in the data folder. */
  readonly secretHex?: string;
  /** What credentials of providers are sealed with, in base64; absent: the file `master-key` in the data folder. */
  readonly masterKey?: string;
}

const URL_FORM = /^postgres(ql)?:\/\/\S+$/;

/** Reads `TURNOUT_STORE`, which wins over `store` of the configuration, `TURNOUT_SECRET` and `TURNOUT_MASTER_KEY`. Throws an error for people. */
export function storePlace(variables: StoreVariables, configured = 'sqlite'): StorePlace {
  const { TURNOUT_STORE: named, TURNOUT_SECRET: secretHex, TURNOUT_MASTER_KEY: masterKey } = variables;
  const store = named ?? configured;
  if (store !== 'sqlite' && !(URL_FORM.test(store) && URL.canParse(store)))
    throw new Error('TURNOUT_STORE must be `sqlite` or `postgres://user:password@host:port/database`.');
  return compact({ url: store === 'sqlite' ? undefined : store, secretHex, masterKey });
}

/** The same for people, without user and password. */
export function placeText({ dataDir, url }: { readonly dataDir: string; readonly url?: string | undefined }): string {
  if (url === undefined) return `the database in ${dataDir}`;
  const { host, pathname } = new URL(url);
  return `the PostgreSQL database ${host}${pathname}`;
}
