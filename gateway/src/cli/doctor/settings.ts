/** The configuration and its secrets. */
import { existsSync } from 'node:fs';
import { summary } from '../../config/render.ts';
import { join } from 'node:path';
import { inspectStore, type StoreState } from '../../store/books/inspect.ts';
import { readSecret, secretMark } from '../../store/secret.ts';
import { bad, doubt, fine, type Check, type Finding, type Patient } from './check.ts';

const ADMIN_KEY_MIN = 32;

export const SETTINGS: readonly Check[] = [
  { name: 'configuration', look: configuration },
  { name: 'credentials', look: ({ credentials }) => credentialsOf(credentials) },
  { name: 'admin key', look: ({ io }) => adminKey(io.env['TURNOUT_ADMIN_KEY']) },
  { name: 'secret', look: secretHere },
  { name: 'master key', look: masterKeyHere },
];

function configuration({ file, read: { result } }: Patient): Finding {
  if (!existsSync(file)) return doubt(`${file} is not there: a first start writes it`, 'turnout init');
  if (!result.ok) return bad(`${file}: ${summary(result.error)}`, 'turnout check');
  const { warnings } = result.value;
  if (warnings.length > 0) return doubt(`${file}: ${warnings.length} warnings`, 'turnout check');
  return fine(file);
}

export function credentialsOf(rows: Patient['credentials']): Finding {
  if (rows.length === 0)
    return doubt(
      'no provider is named: those of the environment and of this machine will serve',
      'name them under providers:',
    );
  const missing = rows.filter(({ credential }) => /^none: (?!it is disabled)/.test(credential));
  if (missing.length > 0)
    return doubt(
      missing.map(({ provider, credential }) => `${provider}: ${credential}`).join('; '),
      'set the variables that turnout check names',
    );
  return fine(`${rows.length} provider${rows.length === 1 ? '' : 's'}, each with what it needs`);
}

export function adminKey(key: string | undefined): Finding {
  if (key === undefined) return fine('TURNOUT_ADMIN_KEY is not set: the key of the first start is the root key');
  if (key.length >= ADMIN_KEY_MIN) return fine('TURNOUT_ADMIN_KEY is set');
  return bad('TURNOUT_ADMIN_KEY is too short', `give it ${ADMIN_KEY_MIN} characters or more: openssl rand -hex 24`);
}

/** A store that cannot be looked at is told of by the check of the store. */
async function stateOf({ store }: Patient): Promise<StoreState | undefined> {
  return inspectStore(store).catch(() => undefined);
}

async function secretHere(patient: Patient): Promise<Finding> {
  const { io, store, dataDir } = patient;
  const given = io.env['TURNOUT_SECRET'];
  const found = secret(given, store.url !== undefined);
  if (found.level === 'problem') return found;
  const mark = (await stateOf(patient))?.secretMark;
  const own = given === undefined ? readSecret(join(dataDir, 'secret')) : Buffer.from(given, 'hex');
  return mark === undefined || (own !== undefined && secretMark(own) === mark) ? found : STRANGE_SECRET;
}

const STRANGE_SECRET = bad(
  'the keys in the store were made with another secret: no gateway starts here',
  "give it the text of the file secret of the first gateway's data folder, or its TURNOUT_SECRET",
);

/** Gateways on one PostgreSQL must make the same hashes of keys. */
export function secret(value: string | undefined, isShared: boolean): Finding {
  if (value === undefined) {
    if (!isShared) return fine('in the data folder');
    return doubt(
      'TURNOUT_SECRET is not set: only gateways of this data folder know the keys that are made here',
      'give all gateways the same: the text of the file secret, or openssl rand -hex 32 for a new store',
    );
  }
  if (/^[0-9a-f]{64}$/.test(value)) return fine('TURNOUT_SECRET is set');
  return bad('TURNOUT_SECRET is not 64 hex digits', 'openssl rand -hex 32');
}

async function masterKeyHere(patient: Patient): Promise<Finding> {
  const isShared = patient.store.url !== undefined;
  return masterKey(patient.io.env['TURNOUT_MASTER_KEY'], isShared && ((await stateOf(patient))?.sealed ?? 0) > 0);
}

/** `isForOthers`: secrets are sealed in a store that other machines may have, too. */
export function masterKey(value: string | undefined, isForOthers: boolean): Finding {
  if (value === undefined && isForOthers)
    return doubt(
      'TURNOUT_MASTER_KEY is not set: only gateways of one data folder can open what is sealed in the store',
      'give all gateways the same (docs/guide/secrets.md), then turnout secrets check',
    );
  if (value === undefined)
    return fine('TURNOUT_MASTER_KEY is not set: what is sealed is sealed by a file of the data folder');
  const isGood = value.split(',').every((part) => /^[A-Za-z0-9+/_-]{43}=?$/.test(part.trim()));
  return isGood
    ? fine('TURNOUT_MASTER_KEY is set')
    : bad('TURNOUT_MASTER_KEY is not 32 bytes in base64', 'openssl rand -base64 32');
}
