/** The configuration and its secrets. */
import { existsSync } from 'node:fs';
import { summary } from '../../config/render.ts';
import { bad, doubt, fine, type Check, type Finding, type Patient } from './check.ts';

const ADMIN_KEY_MIN = 32;

export const SETTINGS: readonly Check[] = [
  { name: 'configuration', look: configuration },
  { name: 'credentials', look: ({ credentials }) => credentialsOf(credentials) },
  { name: 'admin key', look: ({ io }) => adminKey(io.env['TURNOUT_ADMIN_KEY']) },
  { name: 'secret', look: ({ io, store }) => secret(io.env['TURNOUT_SECRET'], store.url !== undefined) },
  { name: 'master key', look: ({ io }) => masterKey(io.env['TURNOUT_MASTER_KEY']) },
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

export function masterKey(value: string | undefined): Finding {
  if (value === undefined)
    return fine('TURNOUT_MASTER_KEY is not set: what is sealed is sealed by a file of the data folder');
  const isGood = value.split(',').every((part) => /^[A-Za-z0-9+/_-]{43}=?$/.test(part.trim()));
  return isGood
    ? fine('TURNOUT_MASTER_KEY is set')
    : bad('TURNOUT_MASTER_KEY is not 32 bytes in base64', 'openssl rand -base64 32');
}
