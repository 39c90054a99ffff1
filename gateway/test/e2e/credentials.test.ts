/** Credentials that are more than one static secret, through a real gateway: signed, fetched, renewed, gone, and never shown. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { Agent, request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';
import { asArray, asRecord, parseJson } from '../../src/lib/json.ts';
import { json, startCloud, type Cloud } from './clouds.ts';

const HOUR_MS = 3_600_000;
const MANY = 1000;
const CONNECTIONS = 200;
/** A token takes this long, so that many wait for it. */
const TOKEN_MS = 500;
/** Longer than any wait here is a failure. */
const WAIT_MAX_MS = 20_000;
/** One more than OpenAI's form takes at once. */
const INPUTS = 2049;
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' });

/** Everything that must be seen nowhere. */
const SECRETS = {
  file: 'file-secret-0123456789abcdef',
  role: 'role-secret-0123456789abcdef',
  session: 'session-token-0123456789abcdef',
  agent: 'agent-secret-0123456789abcdef',
  google: 'ya29.google-token-0123456789',
  entra: 'eyJ.entra-token-0123456789',
  client: 'client-secret-0123456789',
} as const;
const PARTS_OF_SECRETS = [...Object.values(SECRETS), PEM.toString().split('\n')[2] ?? 'PRIVATE KEY'];

let cloud: Cloud;
let gateway: TestGateway;
const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

function call(path: string, body?: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' };
    const outgoing = request(
      gateway.url + path,
      { method: body === undefined ? 'GET' : 'POST', headers, agent },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function ask(model: string, more: object = {}): Promise<Answer> {
  return call('/v1/chat/completions', { model, messages: [{ role: 'user', content: 'grüß dich' }], ...more });
}

/** Asks until the answer is as wanted; gives all answers, the wanted one last. */
async function askUntil(model: string, isWanted: (answer: Answer) => boolean): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  const limit = performance.now() + WAIT_MAX_MS;
  for (;;) {
    const answer = await ask(model);
    answers.push(answer);
    if (isWanted(answer)) return answers;
    assert.ok(performance.now() < limit, `the last answer was ${answer.status} ${answer.text}`);
    await pause(20);
  }
}

function assertAnswered(answer: Answer): void {
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.text, /signed, sealed, delivered/);
}

function embeddingsIn({ text }: Answer): number {
  return (asArray(asRecord(parseJson(text))?.['data']) ?? []).length;
}

before(async () => {
  cloud = await startCloud();
  const { services, keys } = cloud.knobs;
  keys.set('AKIDFILE', { secret: SECRETS.file });
  keys.set('ASIAROLE', { secret: SECRETS.role, sessionToken: SECRETS.session });
  const ends = new Date(Date.now() + HOUR_MS).toISOString();
  services.set('/agent', () =>
    json({ AccessKeyId: 'ASIAAGENT', SecretAccessKey: SECRETS.agent, Token: 'agent-session', Expiration: ends }),
  );
  services.set('/sts', () => ({
    body: `<R><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>${SECRETS.role}</SecretAccessKey><SessionToken>${SECRETS.session}</SessionToken><Expiration>${ends}</Expiration></R>`,
  }));
  services.set('/google/token', () => json({ access_token: SECRETS.google, expires_in: 3599 }));
  services.set('/tenant/', () => json({ access_token: SECRETS.entra, expires_in: 3599 }));
  services.set('/computeMetadata', () => ({ ...json({}), status: 404 }));
  const account = cloud.file(
    'account.json',
    JSON.stringify({
      type: 'service_account',
      project_id: 'house',
      private_key: PEM,
      client_email: 'a@house',
      token_uri: `${cloud.url}/google/token`,
    }),
  );
  const ROLE = 'arn:aws:iam::123456789012:role/models';
  const aws = (path: string, fields: string): string =>
    `{dialect: openai-chat, base_url: "${cloud.url}/signed/${path}", aws: {region: eu-west-1, ${fields}}, models: {m: {}}}`;
  const keysOf = (id: string): string => `access_key_id: ${id}, secret_access_key: "${SECRETS.file}"`;
  const vertexBase = `${cloud.url}/v1/projects/p/locations/l`;
  const google = `google: {credentials_file: "${account}"}`;
  const entra = `tenant_id: tenant, client_id: client, client_secret: "${SECRETS.client}"`;
  gateway = await startGateway({
    config: testConfig(
      {
        keyed: aws('model%3A0/v1', keysOf('AKIDFILE')),
        role: aws('v1', `profile: role`),
        stranger: aws('v1', keysOf('AKIDSTRANGER')),
        late: aws('late/v1', keysOf('AKIDFILE')),
        nowhere: aws('v1', 'profile: absent'),
        lost: aws('v1', 'profile: absent'),
        'google-vertex': `{base_url: "${vertexBase}", ${google}}`,
        echo: `{like: openai, base_url: "${cloud.url}/echo/v1", ${google}, models: {m: {}}}`,
        many: `{dialect: openai-chat, base_url: "${cloud.url}/many/v1", ${google}, models: {m: {}}}`,
        metadata: `{dialect: openai-chat, base_url: "${cloud.url}/v1", google: {}, models: {m: {}}}`,
        azure: `{base_url: "${cloud.url}", azure: {api_version: 2024-10-21, ${entra}}}`,
        'azure-v1': `{like: azure, base_url: "${cloud.url}/openai/v1", azure: {${entra}}}`,
        'azure-key': `{like: azure, base_url: "${cloud.url}/openai/v1", api_key: "static-azure-key"}`,
        'azure-one': `{like: azure, base_url: "${cloud.url}/openai/deployments/mine", api_key: k, azure: {api_version: v9}}`,
      },
      'routes: {either: {targets: [lost/m, keyed/m]}}\nattempts: 2',
    ),
    env: {
      AWS_CONFIG_FILE: cloud.file('config', `[profile role]\nrole_arn = ${ROLE}\ncredential_source = EcsContainer\n`),
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${cloud.url}/agent/keys`,
      AWS_ENDPOINT_URL_STS: `${cloud.url}/sts`,
      AZURE_AUTHORITY_HOST: cloud.url,
      GCE_METADATA_HOST: new URL(cloud.url).host,
    },
  });
});

after(async () => {
  agent.destroy();
  await gateway.stop();
  await cloud.close();
});

describe('requests that are signed', () => {
  it('are taken by one who verifies: whole and streamed, by keys and by a role of a container', async () => {
    for (const model of ['keyed/m', 'role/m']) {
      assertAnswered(await ask(model));
      const streamed = await ask(model, { stream: true });
      assertAnswered(streamed);
      assert.match(streamed.text, /\[DONE\]/);
    }
    assert.equal(cloud.at('/agent').length, 1);
    assert.equal(cloud.at('/sts').length, 1);
  });

  it('are signed part by part where a provider takes less at once', async () => {
    const calls = cloud.at('/signed/v1/embeddings').length;
    const answer = await call('/v1/embeddings', { model: 'role/m', input: Array(INPUTS).fill('grüß dich') });
    assert.equal(answer.status, 200, answer.text.slice(0, 300));
    assert.equal(embeddingsIn(answer), INPUTS);
    assert.equal(cloud.at('/signed/v1/embeddings').length - calls, 2);
  });

  it('are not taken with keys that the cloud does not know: the caller is told whose credentials', async () => {
    const answer = await ask('stranger/m');
    assert.equal(answer.status, 502);
    assert.match(answer.text, /stranger refused our credentials/);
  });

  it('follow the provider’s clock after its first refusal', async () => {
    cloud.knobs.skewMs = HOUR_MS;
    assert.equal((await ask('late/m')).status, 502);
    assertAnswered(await ask('late/m'));
    cloud.knobs.skewMs = 0;
    assert.equal((await ask('late/m')).status, 502);
    assertAnswered(await ask('late/m'));
  });
});

describe('a credential that cannot be had', () => {
  it('is a fault that names the provider and says what to do, and nothing is sent', async () => {
    const sent = cloud.at('/signed/v1').length;
    const answer = await ask('nowhere/m');
    assert.equal(answer.status, 502);
    assert.match(
      answer.text,
      /There is no credential for nowhere: the AWS files have no profile absent\. Name another, or run `aws configure`\. `turnout check` says/,
    );
    assert.match(answer.text, /"upstream_credential"/);
    assert.equal(cloud.at('/signed/v1').length, sent);
  });

  it('is no end where the route has another target', async () => {
    const answer = await ask('either');
    assertAnswered(answer);
    assert.equal(answer.headers['x-turnout-provider'], 'keyed');
  });
});

describe('Google’s tokens', () => {
  it('reach Gemini and Claude on Vertex', async () => {
    const tokens = cloud.at('/google/token').length;
    const gemini = await call('/v1beta/models/google-vertex%2Fgemini-2.5-pro:generateContent', {
      contents: [{ role: 'user', parts: [{ text: 'hi' }] }],
    });
    assertAnswered(gemini);
    assertAnswered(await ask('google-vertex/claude-sonnet-4-5@20250929', { max_tokens: 9 }));
    const paths = cloud.at('/v1/projects/').map(({ path, headers }) => [path, headers.authorization]);
    const base = '/v1/projects/p/locations/l/publishers';
    assert.deepEqual(paths, [
      [`${base}/google/models/gemini-2.5-pro:generateContent`, `Bearer ${SECRETS.google}`],
      [`${base}/anthropic/models/claude-sonnet-4-5@20250929:rawPredict`, `Bearer ${SECRETS.google}`],
    ]);
    assert.equal(cloud.at('/google/token').length, tokens + 1);
  });

  it('go with every part of a request for embeddings', async () => {
    const input = ['one', 'two', 'three'];
    const answer = await call('/v1/embeddings', { model: 'google-vertex/gemini-embedding-001', input });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(embeddingsIn(answer), input.length);
    const parts = cloud.at('/v1/projects/').filter(({ path }) => path.endsWith(':predict'));
    assert.deepEqual(
      parts.map(({ headers }) => headers.authorization),
      input.map(() => `Bearer ${SECRETS.google}`),
    );
  });

  it('are fetched once for a thousand requests', async () => {
    cloud.knobs.services.set('/google/token', () => ({
      ...json({ access_token: SECRETS.google, expires_in: 3599 }),
      delayMs: TOKEN_MS,
    }));
    const before = { tokens: cloud.at('/google/token').length, calls: cloud.at('/many/').length };
    const answers = await Promise.all(Array.from({ length: MANY }, () => ask('many/m')));
    answers.forEach(assertAnswered);
    assert.equal(cloud.at('/many/').length - before.calls, MANY);
    assert.equal(cloud.at('/google/token').length - before.tokens, 1);
  });

  it('are renewed ahead of their end, and served on while that fails', async () => {
    let count = 0;
    let isUp = true;
    cloud.knobs.services.set('/computeMetadata', () => {
      if (!isUp) return { status: 500, headers: { 'metadata-flavor': 'Google' } };
      count += 1;
      const answer = json({ access_token: `metadata-token-${count}`, expires_in: 6 });
      return { ...answer, headers: { ...answer.headers, 'metadata-flavor': 'Google' } };
    });
    const sent = (): string | undefined => cloud.at('/v1/chat/completions').at(-1)?.headers.authorization;
    const until = await askUntil('metadata/m', () => sent() === 'Bearer metadata-token-2');
    until.forEach(assertAnswered);
    assert.equal(count, 2);

    isUp = false;
    const tried = cloud.at('/computeMetadata').length;
    const gone = await askUntil('metadata/m', ({ status }) => status !== 200);
    gone.slice(0, -1).forEach(assertAnswered);
    assert.ok(cloud.at('/computeMetadata').length - tried <= 5, 'a failed renewal is not repeated at once');
    assert.match(
      gone.at(-1)?.text ?? '',
      /There is no credential for metadata: Google’s metadata service answered 500\./,
    );
    assert.match(gateway.output(), /"the credential of a provider could not be fetched","provider":"metadata"/);

    isUp = true;
    assertAnswered((await askUntil('metadata/m', ({ status }) => status === 200)).at(-1) ?? assert.fail());
  });
});

describe('Azure', () => {
  const path = (): string | undefined => cloud.at('/openai/').at(-1)?.path;

  it('takes Entra’s token under both forms of address, the version as it is set', async () => {
    assertAnswered(await ask('azure/gpt-5'));
    assert.equal(path(), '/openai/deployments/gpt-5/chat/completions?api-version=2024-10-21');
    assertAnswered(await ask('azure-v1/gpt-5'));
    assert.equal(path(), '/openai/v1/chat/completions');
    for (const { headers } of cloud.at('/openai/'))
      assert.deepEqual([headers.authorization, headers['api-key']], [`Bearer ${SECRETS.entra}`, undefined]);
  });

  it('takes a key as before, and a deployment that the address names', async () => {
    assertAnswered(await ask('azure-key/gpt-5'));
    const last = cloud.at('/openai/').at(-1);
    assert.deepEqual([last?.headers['api-key'], last?.headers.authorization], ['static-azure-key', undefined]);
    assertAnswered(await ask('azure-one/gpt-5'));
    assert.equal(path(), '/openai/deployments/mine/chat/completions?api-version=v9');
  });
});

describe('what was fetched', () => {
  it('is taken out of what a provider says', async () => {
    const answer = await ask('echo/m');
    assert.equal(answer.status, 400, answer.text);
    assert.match(answer.text, /bad token Bearer \[redacted\]/);
  });

  it('is seen in no answer, record, metric or log', async () => {
    const decisions: Answer[] = [];
    for (const model of ['keyed/m', 'role/m', 'echo/m', 'azure/gpt-5', 'stranger/m', 'nowhere/m']) {
      const { headers } = await ask(model);
      decisions.push(await call(`/v1/decisions/${String(headers['x-turnout-decision'])}`));
    }
    const pages = ['/admin/v1/providers', '/admin/v1/config', '/admin/v1/health', '/admin/v1/requests', '/metrics'];
    const seen = [...decisions, ...(await Promise.all(pages.map((page) => call(page))))].map(({ text }) => text);
    const all = [...seen, gateway.output()].join('\n');
    assert.match(all, /google-vertex/);
    for (const secret of PARTS_OF_SECRETS) assert.ok(!all.includes(secret), `${secret.slice(0, 8)}… is seen`);
    assert.doesNotMatch(all, /metadata-token-|Signature=/);
  });
});
