import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AwsIdentity } from '../routing/identity.ts';
import { profilesOf } from './aws-profiles.ts';
import { awsSource, awsSourceText } from './aws-source.ts';

const identity: AwsIdentity = { kind: 'aws', provider: 'amazon-bedrock', region: 'eu-west-1', service: 'bedrock' };
const ROLE = 'arn:aws:iam::123456789012:role/models';
const KEYS_IN_ENV = { AWS_ACCESS_KEY_ID: 'AKIDENV', AWS_SECRET_ACCESS_KEY: 'secret-env', AWS_SESSION_TOKEN: 'session' };
const WEB_IDENTITY = { AWS_WEB_IDENTITY_TOKEN_FILE: '/token', AWS_ROLE_ARN: ROLE };
const CONTAINER = { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/credentials/1' };

const CONFIG = `
[default]
region = eu-west-1
[profile work]
aws_access_key_id = AKIDWORK
aws_secret_access_key = secret-work
[profile role]
role_arn = ${ROLE}
source_profile = work
external_id = outside
[profile self]
role_arn = ${ROLE}
source_profile = self
aws_access_key_id = AKIDSELF
aws_secret_access_key = secret-self
[profile a]
role_arn = ${ROLE}
source_profile = b
[profile b]
role_arn = ${ROLE}
source_profile = a
[profile instance]
role_arn = ${ROLE}
credential_source = Ec2InstanceMetadata
[profile web]
role_arn = ${ROLE}
web_identity_token_file = /web
[profile sso]
sso_session = house
[profile lost]
role_arn = ${ROLE}
`;
const CREDENTIALS = `
[default]
aws_access_key_id = AKIDDEFAULT
aws_secret_access_key = secret-default
[work]
aws_session_token = session-work
`;
const PROFILES = profilesOf(CONFIG, CREDENTIALS);
const NONE = profilesOf(undefined, undefined);

function text(over: Partial<AwsIdentity>, env: Readonly<Record<string, string>>, profiles = PROFILES): string {
  return awsSourceText(awsSource({ ...identity, ...over }, env, profiles));
}

describe('where AWS keys come from', () => {
  const role = `AWS role ${ROLE}`;
  const table: readonly (readonly [string, Partial<AwsIdentity>, Readonly<Record<string, string>>, string])[] = [
    [
      'the configuration before all else',
      { accessKeyId: 'AKIDFILE', secretAccessKey: 's' },
      { ...KEYS_IN_ENV, ...WEB_IDENTITY, ...CONTAINER },
      'AWS keys of the configuration',
    ],
    ['a profile that the configuration names', { profile: 'work' }, KEYS_IN_ENV, 'AWS keys of the profile work'],
    [
      'the environment',
      {},
      { ...KEYS_IN_ENV, ...WEB_IDENTITY, ...CONTAINER, AWS_PROFILE: 'work' },
      'AWS keys of the environment (AWS_ACCESS_KEY_ID)',
    ],
    ['a web identity', {}, { ...WEB_IDENTITY, ...CONTAINER }, `${role} by web identity`],
    [
      'the profile that the environment names',
      {},
      { AWS_PROFILE: 'work', ...CONTAINER },
      'AWS keys of the profile work',
    ],
    ['the default profile', {}, CONTAINER, 'AWS keys of the profile default'],
    ['a role over a profile', { profile: 'role' }, {}, `${role} by AWS keys of the profile work`],
    ['a role over the profile’s own keys', { profile: 'self' }, {}, `${role} by AWS keys of the profile self`],
    [
      'a role over the instance’s',
      { profile: 'instance' },
      {},
      `${role} by AWS role of this instance, by its metadata service`,
    ],
    ['a web identity of a profile', { profile: 'web' }, {}, `${role} by web identity`],
    [
      'a role of the configuration over what is found',
      { roleArn: ROLE },
      KEYS_IN_ENV,
      `${role} by AWS keys of the environment (AWS_ACCESS_KEY_ID)`,
    ],
    [
      'nowhere, where the named profile is not there',
      {},
      { AWS_PROFILE: 'wrok' },
      'none: the AWS files have no profile wrok. Name another, or run `aws configure`.',
    ],
    [
      'nowhere, where roles go round',
      { profile: 'a' },
      {},
      'none: the profile b leads through too many roles. Look for a circle.',
    ],
    [
      'nowhere, where a person has to sign in',
      { profile: 'sso' },
      {},
      'none: the profile sso holds no keys. Its sign-in is not done here: export keys with `aws configure export-credentials`.',
    ],
    [
      'nowhere, where a role has no keys',
      { profile: 'lost' },
      {},
      'none: the profile lost has a role, but not the keys for it. Give it a `source_profile`.',
    ],
  ];
  for (const [name, over, env, expected] of table)
    it(`is ${name}`, () => {
      assert.equal(text(over, env), expected);
    });

  it('is the container, then the instance, where there are no files', () => {
    assert.equal(text({}, CONTAINER, NONE), 'AWS role of this container');
    assert.equal(text({}, {}, NONE), 'AWS role of this instance, by its metadata service');
    assert.match(text({}, { AWS_EC2_METADATA_DISABLED: 'TRUE' }, NONE), /^none: there are no AWS keys\. Set/);
  });

  it('asks a container’s agent over plain HTTP on this machine and the agents’ addresses only', () => {
    const from = (url: string): string => awsSource(identity, { AWS_CONTAINER_CREDENTIALS_FULL_URI: url }, NONE).from;
    for (const url of [
      'http://127.0.0.1:99/x',
      'http://localhost/x',
      'http://[::1]/x',
      'http://169.254.170.2/x',
      'http://169.254.170.23/v1/credentials',
      'http://[fd00:ec2::23]/x',
      'https://anything.example/x',
    ])
      assert.equal(from(url), 'container', url);
    for (const url of [
      'http://evil.example/x',
      'http://169.254.169.254/x',
      'http://127.0.0.1.evil.example/',
      'file:///x',
      'x',
    ])
      assert.equal(from(url), 'nowhere', url);
  });

  it('takes each value from the credentials file where both files have it, and joins the rest', () => {
    const source = awsSource({ ...identity, profile: 'work' }, {}, PROFILES);
    assert.deepEqual(source.from === 'keys' && source.keys, {
      accessKeyId: 'AKIDWORK',
      secretAccessKey: 'secret-work',
      sessionToken: 'session-work',
    });
  });

  it('never shows a secret', () => {
    const shown = [text({ profile: 'work' }, {}), text({}, KEYS_IN_ENV), text({ profile: 'role' }, {})].join();
    assert.doesNotMatch(shown, /secret-|session|AKID/);
  });
});
