/** The cloud accounts of a provider: who we are there, and where. */
import { z } from 'zod';
import { ID, named, text } from './fields.ts';

/** A service account's private key, the longest credential in use, has about 1,700 characters. */
const SECRET_LENGTH_MAX = 16 * 1024;
const NAME_LENGTH_MAX = 256;
const PATH_LENGTH_MAX = 4096;
const ARN_LENGTH_MAX = 2048;

export const secretText = z
  .string()
  .min(1)
  .max(SECRET_LENGTH_MAX)
  .regex(/^[!-~]*$/, 'must hold nothing but visible ASCII characters');
/** A step of a host name: it is put into the address. */
const label = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'must be lower-case letters, digits and inner hyphens');
const awsSchema = z.strictObject({
  region: label.exactOptional().meta({ description: 'Region. Without it: `AWS_REGION`, or the profile’s own.' }),
  access_key_id: secretText.exactOptional().meta({
    description:
      'Access key. Without it: where AWS’s own tools look (environment, shared files, role of the container or instance).',
  }),
  secret_access_key: secretText.exactOptional().meta({ description: 'Its secret: `"${AWS_SECRET_ACCESS_KEY}"`.' }),
  session_token: secretText.exactOptional().meta({ description: 'Its session token, for keys that end.' }),
  profile: text(NAME_LENGTH_MAX).exactOptional().meta({ description: 'Profile of the shared files, instead of keys.' }),
  role_arn: z
    .string()
    .max(ARN_LENGTH_MAX)
    .regex(/^arn:[\w-]+:iam::\d{12}:role\/[\w+=,.@/-]+$/, 'must be the ARN of a role')
    .exactOptional()
    .meta({ description: 'Role to take on with those keys.' }),
  external_id: text(NAME_LENGTH_MAX).exactOptional().meta({ description: 'External id that the role asks for.' }),
  service: named(ID).exactOptional().meta({ description: 'Name that requests are signed for. Without it: `bedrock`.' }),
});

const googleSchema = z.strictObject({
  project: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.:-]{0,99}$/, 'must be the id of a project')
    .exactOptional()
    .meta({ description: 'Project. Without it: `GOOGLE_CLOUD_PROJECT`, or the one in the credentials file.' }),
  location: label.exactOptional().meta({ description: 'Location. Without it: `GOOGLE_CLOUD_LOCATION`, or `global`.' }),
  credentials_file: text(PATH_LENGTH_MAX).exactOptional().meta({
    description:
      'JSON of a service account or a user. Without it: `GOOGLE_APPLICATION_CREDENTIALS`, gcloud’s own file, or the metadata service.',
  }),
});

const azureSchema = z.strictObject({
  resource: label.exactOptional().meta({ description: 'Name of the resource, where no `base_url` is given.' }),
  api_version: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'must be a version such as 2024-10-21')
    .exactOptional()
    .meta({ description: 'Sent as `api-version` with each request.' }),
  tenant_id: named(ID).exactOptional().meta({ description: 'Entra tenant. Without it: `AZURE_TENANT_ID`.' }),
  client_id: named(ID).exactOptional().meta({
    description: 'Client of the tenant, or the user-assigned managed identity. Without it: `AZURE_CLIENT_ID`.',
  }),
  client_secret: secretText.exactOptional().meta({ description: 'Its secret: `"${AZURE_CLIENT_SECRET}"`.' }),
  scope: z
    .string()
    .max(ARN_LENGTH_MAX)
    .regex(/^[!-~]+\/\.default$/, 'must end with /.default')
    .exactOptional()
    .meta({ description: 'What the token is for. Without it: `https://cognitiveservices.azure.com/.default`.' }),
});

/** Fields of a provider: at most one of them. */
export const accountFields = {
  aws: awsSchema.exactOptional().meta({ description: 'AWS account: requests are signed with its keys.' }),
  google: googleSchema.exactOptional().meta({ description: 'Google Cloud account: its access tokens are sent.' }),
  azure: azureSchema.exactOptional().meta({ description: 'Azure account: Entra ID tokens are sent.' }),
};

type Account<T extends z.ZodType> = Readonly<z.output<T>>;
export interface Accounts {
  readonly aws?: Account<typeof awsSchema>;
  readonly google?: Account<typeof googleSchema>;
  readonly azure?: Account<typeof azureSchema>;
}

/** Fields that say who we are, beside those that say where. */
const CREDENTIAL_FIELDS = {
  aws: ['access_key_id', 'secret_access_key', 'session_token', 'profile', 'role_arn'],
  google: ['credentials_file'],
  azure: ['tenant_id', 'client_id', 'client_secret'],
} as const;

/** The accounts as they may be shown: without their keys. */
export function accountsWithoutKeys({ aws, google, azure }: Accounts): Accounts {
  return {
    ...(aws === undefined ? {} : { aws: without(aws, ['access_key_id', 'secret_access_key', 'session_token']) }),
    ...(google === undefined ? {} : { google }),
    ...(azure === undefined ? {} : { azure: without(azure, ['client_secret']) }),
  };
}

function without<T extends object, K extends keyof T & string>(fields: T, names: readonly K[]): Omit<T, K> {
  const kept = { ...fields };
  for (const name of names) delete kept[name];
  return kept;
}

/** Whether the file says who we are, not only where. */
export function hasCredential(accounts: Accounts): boolean {
  return (['aws', 'google', 'azure'] as const).some((cloud) => credentialField(cloud, accounts) !== undefined);
}

/** The first field of an account that is a credential. */
function credentialField(cloud: keyof Accounts, accounts: Accounts): string | undefined {
  const fields: Readonly<Record<string, unknown>> = accounts[cloud] ?? {};
  return CREDENTIAL_FIELDS[cloud].find((name) => fields[name] !== undefined);
}

export interface AccountIssue {
  readonly path: readonly string[];
  readonly message: string;
}

/** What is wrong between the fields, each of which is right by itself. */
export function accountIssues(provider: Accounts & { readonly api_key?: readonly unknown[] }): readonly AccountIssue[] {
  const given = (['aws', 'google', 'azure'] as const).filter((cloud) => provider[cloud] !== undefined);
  const [first, ...others] = given;
  return [
    ...others.map((cloud) => ({ path: [cloud], message: `stands beside \`${first}\`: a provider has one account` })),
    ...given.flatMap((cloud) => besideKey(cloud, provider)),
    ...halves(provider),
  ];
}

function besideKey(
  cloud: 'aws' | 'google' | 'azure',
  provider: Parameters<typeof accountIssues>[0],
): readonly AccountIssue[] {
  // `"${KEY:-}"` without the variable is no key.
  if (provider.api_key === undefined || provider.api_key.length === 0) return [];
  const name = credentialField(cloud, provider);
  return name === undefined
    ? []
    : [{ path: [cloud, name], message: 'stands beside `api_key`, and only one of them can be sent' }];
}

/** Fields that mean nothing without another of the same account. */
const NEEDED = [
  ['aws', 'access_key_id', 'secret_access_key'],
  ['aws', 'secret_access_key', 'access_key_id'],
  ['aws', 'session_token', 'access_key_id'],
  ['aws', 'external_id', 'role_arn'],
  ['azure', 'client_secret', 'client_id'],
] as const;

function halves(accounts: Accounts): readonly AccountIssue[] {
  const { aws } = accounts;
  const isBoth = aws?.profile !== undefined && aws.access_key_id !== undefined;
  const both = { path: ['aws', 'profile'], message: 'stands beside `access_key_id`: give a profile or keys' };
  const issues = NEEDED.flatMap(([cloud, name, other]) => {
    const fields: Readonly<Record<string, unknown>> = accounts[cloud] ?? {};
    const isHalf = fields[name] !== undefined && fields[other] === undefined;
    return isHalf ? [{ path: [cloud, name], message: `needs \`${other}\` beside it` }] : [];
  });
  return isBoth ? [...issues, both] : issues;
}
