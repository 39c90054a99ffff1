/** The profiles of AWS's shared files (docs.aws.amazon.com/sdkref/latest/guide/file-format.html). */
import { parseIni } from '../lib/ini.ts';
import { atHome, variable, type Environment } from './surroundings.ts';

export type Profile = ReadonlyMap<string, string>;
export type Profiles = ReadonlyMap<string, Profile>;

/** Where the two files are. */
export function profilePaths(env: Environment): { readonly config: string; readonly credentials: string } {
  return {
    config: variable(env, 'AWS_CONFIG_FILE') ?? atHome(env, '.aws', 'config'),
    credentials: variable(env, 'AWS_SHARED_CREDENTIALS_FILE') ?? atHome(env, '.aws', 'credentials'),
  };
}

/** The profile that is meant where none is named. */
export function usualProfile(env: Environment): string {
  return variable(env, 'AWS_PROFILE') ?? 'default';
}

/** All profiles of both texts; where both have a key, the one of the credentials file holds. */
export function profilesOf(config: string | undefined, credentials: string | undefined): Profiles {
  const profiles = new Map<string, Map<string, string>>();
  const put = (name: string, values: Profile): void => {
    const known = profiles.get(name) ?? new Map<string, string>();
    for (const [key, value] of values) known.set(key, value);
    profiles.set(name, known);
  };
  for (const [section, values] of parseIni(config ?? '')) {
    const name = section === 'default' ? section : /^profile (.+)$/.exec(section)?.[1];
    if (name !== undefined) put(name, values);
  }
  for (const [section, values] of parseIni(credentials ?? '')) put(section, values);
  return profiles;
}
