/** Where AWS keys come from: the order of AWS's own tools (docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html). A decision; nothing is fetched. */
import type { AwsKeys } from '../lib/sigv4.ts';
import type { AwsIdentity } from '../routing/identity.ts';
import { usualProfile, type Profile, type Profiles } from './aws-profiles.ts';
import { variable, type Environment } from './surroundings.ts';

/** A role may be taken on through another, and so on; more is a circle. */
const ROLES_MAX = 5;
const ECS_HOST = 'http://169.254.170.2';
/** Hosts that may be asked over plain HTTP: the container agents of ECS and EKS, and this machine. */
const AGENT_HOSTS = /^(?:169\.254\.170\.2|169\.254\.170\.23|\[fd00:ec2::23\]|localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

export interface Role {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly externalId?: string;
}

export type AwsSource =
  /** `where` is for people. */
  | { readonly from: 'keys'; readonly keys: AwsKeys; readonly where: string }
  | { readonly from: 'role'; readonly role: Role; readonly base: AwsSource }
  | { readonly from: 'web-identity'; readonly role: Role; readonly tokenFile: string }
  | { readonly from: 'container'; readonly url: string; readonly token?: string; readonly tokenFile?: string }
  | { readonly from: 'instance' }
  /** `why` says what to do. */
  | { readonly from: 'nowhere'; readonly why: string };

/** The source of an identity's keys. */
export function awsSource(identity: AwsIdentity, env: Environment, profiles: Profiles): AwsSource {
  const base = baseOf(identity, env, profiles);
  const { roleArn, externalId } = identity;
  if (roleArn === undefined || base.from === 'nowhere') return base;
  return { from: 'role', role: roleOf(roleArn, env, externalId), base };
}

/** The same for people, without a secret. */
export function awsSourceText(source: AwsSource): string {
  switch (source.from) {
    case 'keys':
      return `AWS keys of ${source.where}`;
    case 'role':
      return `AWS role ${source.role.roleArn} by ${awsSourceText(source.base)}`;
    case 'web-identity':
      return `AWS role ${source.role.roleArn} by web identity`;
    case 'container':
      return 'AWS role of this container';
    case 'instance':
      return 'AWS role of this instance, by its metadata service';
    case 'nowhere':
      return `none: ${source.why}`;
  }
}

function baseOf(identity: AwsIdentity, env: Environment, profiles: Profiles): AwsSource {
  const { accessKeyId, secretAccessKey, sessionToken, profile } = identity;
  if (accessKeyId !== undefined && secretAccessKey !== undefined)
    return { from: 'keys', keys: keysOf(accessKeyId, secretAccessKey, sessionToken), where: 'the configuration' };
  const world = { env, profiles };
  if (profile !== undefined) return ofProfile(profile, world, ROLES_MAX);
  return ofEnvironment(env) ?? webIdentity(env) ?? ofUsualProfile(world) ?? ofContainer(env) ?? ofInstance(env);
}

interface World {
  readonly env: Environment;
  readonly profiles: Profiles;
}

function ofEnvironment(env: Environment): AwsSource | undefined {
  const id = variable(env, 'AWS_ACCESS_KEY_ID');
  const secret = variable(env, 'AWS_SECRET_ACCESS_KEY');
  if (id === undefined || secret === undefined) return undefined;
  const keys = keysOf(id, secret, variable(env, 'AWS_SESSION_TOKEN'));
  return { from: 'keys', keys, where: 'the environment (AWS_ACCESS_KEY_ID)' };
}

function webIdentity(env: Environment): AwsSource | undefined {
  const tokenFile = variable(env, 'AWS_WEB_IDENTITY_TOKEN_FILE');
  const roleArn = variable(env, 'AWS_ROLE_ARN');
  if (tokenFile === undefined || roleArn === undefined) return undefined;
  return { from: 'web-identity', role: roleOf(roleArn, env), tokenFile };
}

/** A profile that nobody named is only a chance; one that AWS_PROFILE names must be there. */
function ofUsualProfile(world: World): AwsSource | undefined {
  const source = ofProfile(usualProfile(world.env), world, ROLES_MAX);
  const isNamed = variable(world.env, 'AWS_PROFILE') !== undefined;
  return source.from === 'nowhere' && !isNamed ? undefined : source;
}

function ofProfile(name: string, world: World, rolesLeft: number): AwsSource {
  const profile = world.profiles.get(name);
  if (profile === undefined)
    return nowhere(`the AWS files have no profile ${name}. Name another, or run \`aws configure\`.`);
  if (rolesLeft === 0) return nowhere(`the profile ${name} leads through too many roles. Look for a circle.`);
  const roleArn = profile.get('role_arn');
  const isOwnSource = profile.get('source_profile') === name;
  if (roleArn === undefined || isOwnSource) {
    const own = ownKeys(name, profile);
    if (roleArn === undefined || own.from === 'nowhere') return own;
    return { from: 'role', role: profileRole(roleArn, profile, world.env), base: own };
  }
  const tokenFile = profile.get('web_identity_token_file');
  const role = profileRole(roleArn, profile, world.env);
  if (tokenFile !== undefined) return { from: 'web-identity', role, tokenFile };
  const base = roleBase(name, profile, { world, rolesLeft });
  return base.from === 'nowhere' ? base : { from: 'role', role, base };
}

function roleBase(
  name: string,
  profile: Profile,
  { world, rolesLeft }: { readonly world: World; readonly rolesLeft: number },
): AwsSource {
  const source = profile.get('source_profile');
  if (source !== undefined) return ofProfile(source, world, rolesLeft - 1);
  const missing = nowhere(`the profile ${name} has a role, but not the keys for it. Give it a \`source_profile\`.`);
  switch (profile.get('credential_source')) {
    case 'Environment':
      return ofEnvironment(world.env) ?? missing;
    case 'EcsContainer':
      return ofContainer(world.env) ?? missing;
    case 'Ec2InstanceMetadata':
      return ofInstance(world.env);
    default:
      return missing;
  }
}

function ownKeys(name: string, profile: Profile): AwsSource {
  const id = profile.get('aws_access_key_id');
  const secret = profile.get('aws_secret_access_key');
  if (id !== undefined && secret !== undefined && id !== '' && secret !== '')
    return { from: 'keys', keys: keysOf(id, secret, profile.get('aws_session_token')), where: `the profile ${name}` };
  const isElsewhere = profile.has('sso_session') || profile.has('sso_start_url') || profile.has('credential_process');
  const hint = 'Its sign-in is not done here: export keys with `aws configure export-credentials`.';
  return nowhere(`the profile ${name} holds no keys. ${isElsewhere ? hint : 'Run `aws configure`.'}`);
}

function ofContainer(env: Environment): AwsSource | undefined {
  const relative = variable(env, 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI');
  const full = variable(env, 'AWS_CONTAINER_CREDENTIALS_FULL_URI');
  const url = relative === undefined ? full : ECS_HOST + relative;
  if (url === undefined) return undefined;
  const parsed = URL.parse(url);
  const isSafe = parsed?.protocol === 'https:' || (parsed?.protocol === 'http:' && AGENT_HOSTS.test(parsed.hostname));
  if (!isSafe)
    return nowhere('AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or lead to this machine or its agent.');
  const tokenFile = variable(env, 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE');
  const token = variable(env, 'AWS_CONTAINER_AUTHORIZATION_TOKEN');
  if (tokenFile !== undefined) return { from: 'container', url, tokenFile };
  return token === undefined ? { from: 'container', url } : { from: 'container', url, token };
}

function ofInstance(env: Environment): AwsSource {
  if (variable(env, 'AWS_EC2_METADATA_DISABLED')?.toLowerCase() !== 'true') return { from: 'instance' };
  return nowhere('there are no AWS keys. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile.');
}

function profileRole(roleArn: string, profile: Profile, env: Environment): Role {
  const role = roleOf(roleArn, env, profile.get('external_id'));
  const sessionName = profile.get('role_session_name');
  return sessionName === undefined ? role : { ...role, sessionName };
}

function roleOf(roleArn: string, env: Environment, externalId?: string): Role {
  const sessionName = variable(env, 'AWS_ROLE_SESSION_NAME') ?? 'turnout';
  return { roleArn, sessionName, ...(externalId === undefined ? {} : { externalId }) };
}

function keysOf(accessKeyId: string, secretAccessKey: string, sessionToken: string | undefined): AwsKeys {
  if (sessionToken === undefined || sessionToken === '') return { accessKeyId, secretAccessKey };
  return { accessKeyId, secretAccessKey, sessionToken };
}

function nowhere(why: string): AwsSource {
  return { from: 'nowhere', why };
}
