/** The three clouds behind one question: a fetch, or a line that says where it would come from. */
import type { Identity } from '../routing/identity.ts';
import { awsProof, sourceOf } from './aws.ts';
import { awsSourceText } from './aws-source.ts';
import { azureProof, azureText } from './azure.ts';
import { googleProof, googleText } from './google.ts';
import type { Source } from './grant.ts';
import type { Surroundings } from './surroundings.ts';

/** Fetches for any identity. */
export function cloudSource(around: Surroundings): Source {
  return (identity, nowMs) => {
    switch (identity.kind) {
      case 'aws':
        return awsProof(identity, around, nowMs);
      case 'google':
        return googleProof(identity, around, nowMs);
      case 'azure':
        return azureProof(identity, around, nowMs);
    }
  };
}

/** Where the credential of an identity comes from, for people: no secret, and nothing is fetched. */
export async function credentialText(identity: Identity, around: Pick<Surroundings, 'env' | 'read'>): Promise<string> {
  switch (identity.kind) {
    case 'aws':
      return `${awsSourceText(await sourceOf(identity, around))}, region ${identity.region}`;
    case 'google':
      return googleText(identity, around);
    case 'azure':
      return azureText(identity, around.env);
  }
}
