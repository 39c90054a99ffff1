/** AWS keys: from wherever `awsSource` says, and on through roles. */
import { asRecord, asString, parseJson } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { sigv4Headers, type AwsKeys } from '../lib/sigv4.ts';
import type { AwsIdentity } from '../routing/identity.ts';
import { profilePaths, profilesOf } from './aws-profiles.ts';
import { awsSource, type AwsSource, type Role } from './aws-source.ts';
import { dateOf, type Fetched, type Trouble } from './grant.ts';
import { variable, type Answer, type Surroundings } from './surroundings.ts';

const INSTANCE_HOST = 'http://169.254.169.254';
const INSTANCE_ROLES = '/latest/meta-data/iam/security-credentials/';
/** Six hours, the most that the metadata service gives; a token is used for two requests. */
const INSTANCE_TOKEN_TTL_S = '21600';
/** An hour, which every role allows. */
const ROLE_TTL_S = '3600';

interface Fetching {
  readonly around: Surroundings;
  readonly region: string;
  readonly nowMs: number;
}

/** The keys of an identity. The shared files are read anew each time. */
export async function awsProof(
  identity: AwsIdentity,
  around: Surroundings,
  nowMs: number,
): Promise<Result<Fetched, Trouble>> {
  return keysFrom(await sourceOf(identity, around), { around, region: identity.region, nowMs });
}

/** Where the keys of an identity come from, as things are now. */
export async function sourceOf(
  identity: AwsIdentity,
  { env, read }: Pick<Surroundings, 'env' | 'read'>,
): Promise<AwsSource> {
  const paths = profilePaths(env);
  const [config, credentials] = await Promise.all([read(paths.config), read(paths.credentials)]);
  return awsSource(identity, env, profilesOf(config, credentials));
}

async function keysFrom(source: AwsSource, fetching: Fetching): Promise<Result<Fetched, Trouble>> {
  switch (source.from) {
    case 'keys':
      return ok({ proof: { kind: 'keys', keys: source.keys } });
    case 'role':
      return keysOfRole(source.role, await keysFrom(source.base, fetching), fetching);
    case 'web-identity':
      return keysOfWebIdentity(source, fetching);
    case 'container':
      return keysOfContainer(source, fetching.around);
    case 'instance':
      return keysOfInstance(fetching.around);
    case 'nowhere':
      return err({ reason: source.why });
  }
}

/** docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
async function keysOfRole(
  role: Role,
  base: Result<Fetched, Trouble>,
  { around, region, nowMs }: Fetching,
): Promise<Result<Fetched, Trouble>> {
  if (!base.ok || base.value.proof.kind !== 'keys') return base;
  const body = stsBody('AssumeRole', role, { DurationSeconds: ROLE_TTL_S });
  const url = stsUrl(around, region);
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
  const signed = sigv4Headers(
    { method: 'POST', host: URL.parse(url)?.host ?? '', target: '/', headers, body },
    { keys: base.value.proof.keys, region, service: 'sts', atMs: nowMs },
  );
  const answer = await around.ask({ url, method: 'POST', headers: { ...headers, ...signed }, body, who: 'AWS STS' });
  return keysOfSts(answer);
}

/** docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html; not signed, the token is the proof. */
async function keysOfWebIdentity(
  { role, tokenFile }: AwsSource & { readonly from: 'web-identity' },
  { around, region }: Fetching,
): Promise<Result<Fetched, Trouble>> {
  const token = (await around.read(tokenFile))?.trim();
  if (token === undefined || token === '')
    return trouble('the file with the web identity token cannot be read. Check AWS_WEB_IDENTITY_TOKEN_FILE.');
  const answer = await around.ask({
    url: stsUrl(around, region),
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: stsBody('AssumeRoleWithWebIdentity', role, { DurationSeconds: ROLE_TTL_S, WebIdentityToken: token }),
    who: 'AWS STS',
  });
  return keysOfSts(answer);
}

function stsUrl({ env }: Surroundings, region: string): string {
  const own = variable(env, 'AWS_ENDPOINT_URL_STS')?.replace(/\/+$/, '');
  return `${own ?? `https://sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`}/`;
}

function stsBody(action: string, role: Role, more: Readonly<Record<string, string>>): string {
  const { roleArn, sessionName, externalId } = role;
  return new URLSearchParams({
    Action: action,
    Version: '2011-06-15',
    RoleArn: roleArn,
    RoleSessionName: sessionName,
    ...(externalId === undefined ? {} : { ExternalId: externalId }),
    ...more,
  }).toString();
}

/** STS answers in XML; four elements of it are of interest, and none of them stands twice. */
function keysOfSts(answer: Result<Answer, string>): Result<Fetched, Trouble> {
  if (!answer.ok) return err({ reason: answer.error });
  const { status, text, headers } = answer.value;
  if (status !== 200) {
    const code = element(text, 'Code') ?? '';
    const words = /^[\w.]{1,64}$/.test(code) ? ` (${code})` : '';
    const reason = `AWS STS answered ${status}${words}. Check the role’s trust policy and the keys.`;
    const serverMs = dateOf(headers['date']);
    return err(serverMs === undefined ? { reason } : { reason, serverMs });
  }
  return keysOfAnswer('AWS STS', {
    id: element(text, 'AccessKeyId'),
    secret: element(text, 'SecretAccessKey'),
    token: element(text, 'SessionToken'),
    ends: element(text, 'Expiration'),
  });
}

function element(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>\\s*([^<\\s]*)\\s*</${name}>`).exec(xml)?.[1];
}

/** docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html */
async function keysOfContainer(
  { url, token, tokenFile }: AwsSource & { readonly from: 'container' },
  { ask, read }: Surroundings,
): Promise<Result<Fetched, Trouble>> {
  const authorization = tokenFile === undefined ? token : (await read(tokenFile))?.trim();
  if (tokenFile !== undefined && authorization === undefined)
    return trouble('the token of this container cannot be read. Check AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE.');
  const headers = { accept: 'application/json', ...(authorization === undefined ? {} : { authorization }) };
  const who = 'the container’s credential service';
  return keysOfJson(await ask({ url, method: 'GET', headers, who }), who);
}

/** IMDSv2: docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html */
async function keysOfInstance({ ask, env }: Surroundings): Promise<Result<Fetched, Trouble>> {
  const host = variable(env, 'AWS_EC2_METADATA_SERVICE_ENDPOINT')?.replace(/\/+$/, '') ?? INSTANCE_HOST;
  const who = 'the instance’s metadata service';
  const session = await ask({
    url: `${host}/latest/api/token`,
    method: 'PUT',
    headers: { 'x-aws-ec2-metadata-token-ttl-seconds': INSTANCE_TOKEN_TTL_S },
    who,
  });
  if (!session.ok || session.value.status !== 200)
    return trouble(
      'there are no AWS keys in the configuration, the environment or the shared files, and no metadata service answers. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile.',
    );
  const headers = { 'x-aws-ec2-metadata-token': session.value.text.trim() };
  const roles = await ask({ url: host + INSTANCE_ROLES, method: 'GET', headers, who });
  const role = roles.ok && roles.value.status === 200 ? roles.value.text.split('\n', 1)[0]?.trim() : undefined;
  if (role === undefined || !/^[\w+=,.@-]+$/.test(role))
    return trouble('this instance has no role. Attach one, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.');
  return keysOfJson(await ask({ url: host + INSTANCE_ROLES + role, method: 'GET', headers, who }), who);
}

function keysOfJson(answer: Result<Answer, string>, who: string): Result<Fetched, Trouble> {
  if (!answer.ok) return err({ reason: answer.error });
  const { status, text } = answer.value;
  if (status !== 200) return trouble(`${who} answered ${status}. Check the role.`);
  const body = asRecord(parseJson(text));
  return keysOfAnswer(who, {
    id: asString(body?.['AccessKeyId']),
    secret: asString(body?.['SecretAccessKey']),
    token: asString(body?.['Token']),
    ends: asString(body?.['Expiration']),
  });
}

interface AnsweredKeys {
  readonly id: string | undefined;
  readonly secret: string | undefined;
  readonly token: string | undefined;
  readonly ends: string | undefined;
}

function keysOfAnswer(who: string, { id, secret, token, ends }: AnsweredKeys): Result<Fetched, Trouble> {
  if (id === undefined || secret === undefined || ![id, secret, token ?? id].every(isPlain))
    return trouble(`${who} gave an answer without keys. Check the role.`);
  const keys: AwsKeys = {
    accessKeyId: id,
    secretAccessKey: secret,
    ...(token === undefined ? {} : { sessionToken: token }),
  };
  const endsAtMs = ends === undefined ? Number.NaN : Date.parse(ends);
  return ok({ proof: { kind: 'keys', keys }, ...(Number.isNaN(endsAtMs) ? {} : { endsAtMs }) });
}

/** Fit for a header. */
function isPlain(text: string): boolean {
  return /^[!-~]+$/.test(text);
}

function trouble(reason: string): Result<Fetched, Trouble> {
  return err({ reason });
}
