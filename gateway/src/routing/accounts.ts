/** The account of a provider that belongs to a cloud: where it is, and who we are there. Pure. */
import type { Accounts } from '../config/accounts.ts';
import { compact } from '../lib/json.ts';
import type { Cloud, Place, Provider } from '../providers/provider.ts';
import type { Identity } from './identity.ts';

const AZURE_SCOPE = 'https://cognitiveservices.azure.com/.default';
const REGION_IN_HOST = /^https:\/\/[\w-]+\.([a-z]{2}(?:-[a-z]+)+-\d)\.(?:amazonaws\.com|api\.aws)/;

/** Variables of which one says that an account of the cloud is meant to be used from here. */
export const ACCOUNT_VARIABLES: Readonly<Record<Cloud, readonly string[]>> = {
  aws: [
    'AWS_ACCESS_KEY_ID',
    'AWS_PROFILE',
    'AWS_WEB_IDENTITY_TOKEN_FILE',
    'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
    'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  ],
  google: ['GOOGLE_APPLICATION_CREDENTIALS'],
  azure: ['AZURE_CLIENT_ID', 'IDENTITY_ENDPOINT'],
};

type Environment = Readonly<Record<string, string | undefined>>;

/** What the clouds' own files say of places; read when the configuration is. */
export interface Places {
  /** Region of a profile; of the usual one where none is named. */
  readonly awsRegion: (profile: string | undefined) => string | undefined;
  /** Project of a credentials file; of the usual one where none is named. */
  readonly googleProject: (file: string | undefined) => string | undefined;
}

export interface AccountInput {
  /** Of the provider's row in the file. */
  readonly region?: string | undefined;
  /** The provider's name in the configuration. */
  readonly id: string;
  readonly provider: Provider;
  readonly accounts: Accounts;
  readonly env: Environment;
  /** Absent: nothing is known of this machine. */
  readonly places?: Places | undefined;
  /** The address that the operator gave, where one was given. */
  readonly ownUrl: string | undefined;
  /** Whether the operator's own headers say who we are. */
  readonly isAuthorized: boolean;
}

/** Where the account has its models: from the configuration, the usual variables, or the cloud's own files. */
export function placeOf(input: AccountInput): Place {
  switch (cloudOf(input.provider, input.accounts)) {
    case 'aws':
      return compact({ region: awsRegion(input) });
    case 'google':
      return googlePlace(input);
    case 'azure': {
      const { accounts, env, provider } = input;
      return compact({ resource: accounts.azure?.resource ?? first(env, ...(provider.resourceVariables ?? [])) });
    }
    case undefined:
      return {};
  }
}

/** A region such as `eu-central-1`; other words (`eu`) say where data may go, and are no host's name. */
const AWS_REGION = /^[a-z]{2}(?:-[a-z]+)+-\d$/;

function awsRegion({ accounts: { aws }, region, env, places }: AccountInput): string | undefined {
  const own = region !== undefined && AWS_REGION.test(region) ? region : undefined;
  return aws?.region ?? own ?? first(env, 'AWS_REGION', 'AWS_DEFAULT_REGION') ?? places?.awsRegion(aws?.profile);
}

function googlePlace({ accounts: { google }, env, places }: AccountInput): Place {
  const location = first(env, 'GOOGLE_VERTEX_LOCATION', 'GOOGLE_CLOUD_LOCATION', 'CLOUD_ML_REGION');
  const named = first(env, 'GOOGLE_VERTEX_PROJECT', 'GOOGLE_CLOUD_PROJECT', 'ANTHROPIC_VERTEX_PROJECT_ID');
  const project = google?.project ?? named ?? places?.googleProject(google?.credentials_file);
  return compact({ region: google?.location ?? location, project });
}

/** Who we are, where no key is given. Undefined: nobody in particular. A text says what is missing. */
export function identityOf(input: AccountInput): Identity | string | undefined {
  const { id, provider, accounts } = input;
  const cloud = cloudOf(provider, accounts);
  if (cloud === undefined || !isMeant(cloud, input)) return undefined;
  switch (cloud) {
    case 'aws':
      return awsIdentity(input);
    case 'google':
      return compact({ kind: 'google' as const, provider: id, credentialsFile: accounts.google?.credentials_file });
    case 'azure': {
      const { tenant_id: tenantId, client_id: clientId, client_secret: clientSecret, scope } = accounts.azure ?? {};
      return compact({
        kind: 'azure' as const,
        provider: id,
        tenantId,
        clientId,
        clientSecret,
        scope: scope ?? AZURE_SCOPE,
      });
    }
  }
}

/** The file's word is enough. Without one: not where a header says who we are, and at an address of the operator's own only by the environment's word. */
function isMeant(cloud: Cloud, { accounts, env, ownUrl, isAuthorized }: AccountInput): boolean {
  if (accounts[cloud] !== undefined) return true;
  return !isAuthorized && (ownUrl === undefined || first(env, ...ACCOUNT_VARIABLES[cloud]) !== undefined);
}

function awsIdentity(input: AccountInput): Identity | string {
  const { id, accounts, ownUrl } = input;
  const region = awsRegion(input) ?? REGION_IN_HOST.exec(ownUrl ?? '')?.[1];
  if (region === undefined) return `provider ${id}: no AWS region; set AWS_REGION or \`providers.${id}.aws.region\``;
  const account = accounts.aws ?? {};
  return compact({
    kind: 'aws' as const,
    provider: id,
    region,
    service: account.service ?? 'bedrock',
    accessKeyId: account.access_key_id,
    secretAccessKey: account.secret_access_key,
    sessionToken: account.session_token,
    profile: account.profile,
    roleArn: account.role_arn,
    externalId: account.external_id,
  });
}

/** The file's word, else what the provider is known to belong to. */
function cloudOf(provider: Provider, { aws, google, azure }: Accounts): Cloud | undefined {
  if (aws !== undefined) return 'aws';
  if (google !== undefined) return 'google';
  return azure === undefined ? provider.cloud : 'azure';
}

function first(env: Environment, ...names: readonly string[]): string | undefined {
  return names.map((name) => env[name]?.trim()).find((value) => value !== undefined && value !== '');
}
