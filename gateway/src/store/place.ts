/** Where a store is: SQLite in the data folder, or a PostgreSQL server. */

/** What is read of the environment: which store, and the secret that all its gateways share. */
export interface StoreVariables {
  readonly TURNOUT_STORE?: string | undefined;
  readonly TURNOUT_SECRET?: string | undefined;
}

export interface StorePlace {
  /** `postgres://…`; absent: SQLite in the data folder. Holds a password: never to be shown. */
  readonly url?: string;
  /** 64 hex digits; absent: the file `secret` in the data folder. */
  readonly secretHex?: string;
}

const URL_FORM = /^postgres(ql)?:\/\/\S+$/;

/** Reads `TURNOUT_STORE`, which wins over `store` of the configuration, and `TURNOUT_SECRET`. Throws an error for people. */
export function storePlace(variables: StoreVariables, configured = 'sqlite'): StorePlace {
  const { TURNOUT_STORE: named, TURNOUT_SECRET: secretHex } = variables;
  const store = named ?? configured;
  if (store !== 'sqlite' && !(URL_FORM.test(store) && URL.canParse(store)))
    throw new Error('TURNOUT_STORE must be `sqlite` or `postgres://user:password@host:port/database`.');
  return { ...(store === 'sqlite' ? {} : { url: store }), ...(secretHex === undefined ? {} : { secretHex }) };
}

/** The same for people, without user and password. */
export function placeText({ dataDir, url }: { readonly dataDir: string; readonly url?: string | undefined }): string {
  if (url === undefined) return `the database in ${dataDir}`;
  const { host, pathname } = new URL(url);
  return `the PostgreSQL database ${host}${pathname}`;
}
