/** What the clouds' own files on this machine say of places. Read at once: a configuration is compiled in one go. */
import { closeSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { asRecord, asString, parseJson } from '../lib/json.ts';
import type { Places } from '../routing/accounts.ts';
import { profilePaths, profilesOf, usualProfile } from './aws-profiles.ts';
import { googleSource } from './google.ts';
import { FILE_MAX_BYTES, type Environment } from './surroundings.ts';

/** A name in Google Cloud (cloud.google.com/resource-manager/docs/creating-managing-projects), with its old domain form. */
const PROJECT = /^[a-z0-9][a-z0-9.:-]{0,99}$/;

/** Each question reads the file anew: it is asked once a provider and load. */
export function placesOf(env: Environment): Places {
  return {
    awsRegion(profile) {
      const { config, credentials } = profilePaths(env);
      const profiles = profilesOf(readSoon(config), readSoon(credentials));
      return profiles.get(profile ?? usualProfile(env))?.get('region');
    },
    googleProject(file) {
      const { path } = googleSource(
        { kind: 'google', provider: '', ...(file === undefined ? {} : { credentialsFile: file }) },
        env,
      );
      const account = asRecord(parseJson(readSoon(path) ?? ''));
      const project = asString(account?.['project_id']) ?? asString(account?.['quota_project_id']);
      return project !== undefined && PROJECT.test(project) ? project : undefined;
    },
  };
}

/** Keys in files of one line each, their paths relative to a folder. Read anew each time. */
export function keyFilesFrom(folder: string): (path: string) => string | undefined {
  return (path) => {
    const key = readSoon(resolve(folder, path))?.trim();
    // A header could not hold another line; whatever it is, it is no key.
    return key === undefined || !/^[!-~]+(?: [!-~]+)*$/.test(key) ? undefined : key;
  };
}

function readSoon(path: string): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const buffer = Buffer.alloc(FILE_MAX_BYTES);
    return buffer.toString('utf8', 0, readSync(file, buffer));
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
