/** Bad input at every endpoint that takes JSON: the rows of the fault table that hold everywhere, and each endpoint's own fields. */
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { describe, it } from 'node:test';
import { isRecord, type JsonRecord } from '../../src/lib/json.ts';
import { routesTaken } from '../../src/http/routes.ts';
import { raw, rigHere, send, underWatch, unseenUpstream, type Expected } from './bad-input.ts';
import {
  ask,
  assertRefusedIn,
  BARE_ENDPOINTS,
  FORM_ENDPOINTS,
  JSON_ENDPOINTS,
  keysOf,
  type Endpoint,
} from './endpoints.ts';

const MIB = 1024 * 1024;
const BODY_MAX_BYTES = 32 * MIB;
/** What has rows elsewhere, or takes nothing from anybody. */
const ELSEWHERE: readonly string[] = [
  // bad-input-bodies, bad-input-fields and bad-input-http.
  ...['/v1/chat/completions', '/v1/messages'].map((path) => `POST ${path}`),
  ...['generateContent', 'streamGenerateContent'].map((verb) => `POST /v1beta/models/m:${verb}`),
  // The admin's own suites.
  ...['GET', 'POST', 'PATCH', 'DELETE'].map((method) => `${method} /admin/v1/keys`),
  ...['/healthz', '/readyz', '/metrics', '/'].flatMap((path) => [`GET ${path}`, `HEAD ${path}`]),
  // Takes nothing but a page, and HEAD is as GET without a body to look at.
  'GET /v1/models',
  // e2e/feedback: it asks no model.
  'POST /v1/feedback',
  // e2e/people: a person asks, and no model is.
  ...['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'].map((method) => `${method} /auth/me`),
  ...['GET', 'HEAD', 'POST'].map((method) => `${method} /login`),
  // e2e/webhook: a signature stands in the place of a key.
  'POST /webhooks/stripe',
  ...['/v1/models', '/v1beta/models', '/v1/models/m', '/v1beta/models/m'].map((path) => `HEAD ${path}`),
];

const rig = rigHere();

type Refused = readonly (readonly [body: JsonRecord | string | Buffer, expected: Expected])[];

/** That each body is refused, unseen by any provider, and a good one served after it over the connections that there are. */
async function refuses(endpoint: Endpoint, cases: Refused): Promise<void> {
  const wrong: string[] = [];
  for (const [body, expected] of cases) {
    const shown = typeof body === 'string' || Buffer.isBuffer(body) ? body.toString() : JSON.stringify(body);
    await unseenUpstream(rig, async () => {
      const answer = await ask(rig, endpoint, body);
      assertRefusedIn(answer, endpoint.words, expected);
      // What was read as JSON leaves the connection as good as it was.
      if (!Buffer.isBuffer(body) && isRecord(body)) assert.notEqual(answer.headers['connection'], 'close');
    }).catch(
      (error: unknown) =>
        void wrong.push(`${shown.slice(0, 200)}: ${JSON.stringify(expected)}: ${String(error).slice(0, 300)}`),
    );
  }
  assert.deepEqual(wrong, []);
  await serves(endpoint);
}

async function serves(endpoint: Endpoint): Promise<void> {
  const answer = await ask(rig, endpoint, endpoint.good);
  assert.equal(answer.status, 200, `${endpoint.path}: a good request was not served: ${answer.text.slice(0, 300)}`);
}

/** A good body as text, with `insert` as its first members. */
function withMembers({ good }: Endpoint, insert: string): string {
  return `{${insert},${JSON.stringify(good).slice(1)}`;
}

for (const endpoint of JSON_ENDPOINTS) {
  const { path, words, good, modelField } = endpoint;

  describe(`POST ${path}`, () => {
    it('B01, B02 refuses what is no JSON object, and says where it breaks', async () => {
      const text = JSON.stringify(good);
      await refuses(endpoint, [
        ['', { status: 400, code: 'body_empty' }],
        [' \n\t ', { status: 400, code: 'body_empty' }],
        ['null', { status: 400, code: 'body_not_object' }],
        ['[]', { status: 400, code: 'body_not_object' }],
        ['"x"', { status: 400, code: 'body_not_object' }],
        ['1', { status: 400, code: 'body_not_object' }],
        [text.slice(0, -3), { status: 400, code: 'body_not_json', message: /line 1, column \d+/ }],
        [`${text.slice(0, -1)},}`, { status: 400, code: 'body_not_json' }],
        [withMembers(endpoint, '"x":NaN'), { status: 400, code: 'body_not_json' }],
        ["{'model':'m'}", { status: 400, code: 'body_not_json', message: /line 1, column 2/ }],
        [`/* why */${text}`, { status: 400, code: 'body_not_json' }],
      ]);
    });

    it('B03 takes a byte-order mark away, and refuses UTF-16 and broken UTF-8', async () => {
      const text = JSON.stringify(good);
      assert.equal((await ask(rig, endpoint, `\ufeff${text}`)).status, 200);
      await refuses(endpoint, [
        [Buffer.from(text, 'utf16le'), { status: 400, code: 'body_not_utf8', message: /UTF-16/ }],
        [Buffer.from(withMembers(endpoint, '"x":"\xff"'), 'latin1'), { status: 400, code: 'body_not_utf8' }],
      ]);
    });

    it('B04 to B07 refuses what is too deep, too wide, doubled, or named like a prototype', async (test) => {
      const keys = Array.from({ length: 500_000 }, (_, index) => `"k${index}":1`).join(',');
      await underWatch(rig, test, () =>
        refuses(endpoint, [
          [withMembers(endpoint, `"x":${'['.repeat(10_000)}`), { status: 400, code: 'too_deep' }],
          [withMembers(endpoint, `"x":${'{"a":'.repeat(1_000_000)}`), { status: 400, code: 'too_deep' }],
          [`{${keys}}`, { status: 400, code: 'too_many_keys' }],
          [withMembers(endpoint, '"model":"house/cheap","model":"house/dear"'), { status: 400, code: 'duplicate_key' }],
          [withMembers(endpoint, '"__proto__":{"isAdmin":true}'), { status: 400, code: 'forbidden_key' }],
          [withMembers(endpoint, '"x":{"constructor":1}'), { status: 400, code: 'forbidden_key' }],
          [withMembers(endpoint, '"x":[{"prototype":1}]'), { status: 400, code: 'forbidden_key' }],
        ]),
      );
    });

    it('B08, B20 refuses counts that are none, by the name of the field', async () => {
      for (const { param, patch, takesZero } of endpoint.counts) {
        const values = [...(takesZero === true ? [] : [0]), -1, 1.5, 2 ** 53, 1e30, '1', true, [1]];
        await refuses(
          endpoint,
          values.map(
            (value) =>
              [
                { ...good, ...patch(value) },
                { status: 400, param },
              ] as const,
          ),
        );
      }
      await refuses(endpoint, [
        [withMembers(endpoint, '"x":1e400'), { status: 400, code: 'body_not_json' }],
        [withMembers(endpoint, '"x":1.0000000000000001'), { status: 400, code: 'body_not_json' }],
      ]);
    });

    it('B09, B11 refuses what is too long, before and after it is unpacked', async (test) => {
      const frame = JSON.stringify({ ...good, ...endpoint.text('') }).length;
      const long = JSON.stringify({ ...good, ...endpoint.text('a'.repeat(BODY_MAX_BYTES + 1 - frame)) });
      const bomb = gzipSync(Buffer.alloc(64 * MIB, ' '));
      await underWatch(rig, test, async () => {
        await unseenUpstream(rig, async () => {
          const over: Expected = { status: 413, code: 'body_too_big' };
          assertRefusedIn(await ask(rig, endpoint, long), words, over);
          assertRefusedIn(await ask(rig, endpoint, bomb, { 'content-encoding': 'gzip' }), words, over);
        });
        await serves(endpoint);
      });
    });

    it('B12 refuses other media types', async () => {
      const text = JSON.stringify(good);
      await unseenUpstream(rig, async () => {
        for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1'])
          assertRefusedIn(await ask(rig, endpoint, text, { 'content-type': type }), words, { status: 415 });
        const boundary = `multipart/form-data; boundary=${'x'.repeat(10_000)}`;
        const answer = await ask(rig, endpoint, text, { 'content-type': boundary });
        assertRefusedIn(answer, words, { status: [400, 415] });
      });
      await serves(endpoint);
    });

    it('B13 answers a text of 10 MB, or refuses it by its name', async (test) => {
      await underWatch(rig, test, async () => {
        const answer = await ask(rig, endpoint, { ...good, ...endpoint.text('a '.repeat(5 * MIB)) });
        if (answer.status !== 200) assertRefusedIn(answer, words, { status: [400, 413] });
      });
    });

    it('B15 refuses names that are no model’s', async () => {
      const odd = ['', 'x'.repeat(10_240), 'm\r\nx: y', '../../etc/passwd', 'constructor', 'openai/', '/gpt', '模型'];
      const refusal = { status: [400, 404], ...(words === 'cohere' ? {} : { param: 'model' }) };
      if (modelField !== undefined) {
        await refuses(endpoint, [
          ...odd.map((name) => [{ ...good, [modelField]: name }, refusal] as const),
          [{ ...good, [modelField]: undefined }, refusal],
          [{ ...good, [modelField]: 5 }, refusal],
        ]);
        return;
      }
      const verb = path.slice(path.lastIndexOf(':'));
      await unseenUpstream(rig, async () => {
        for (const name of odd.filter((name) => name !== '')) {
          const at = { words, path: `/v1beta/models/${encodeURIComponent(name)}${verb}` };
          assertRefusedIn(await ask(rig, at, good), words, { status: [400, 404] });
        }
      });
    });

    it('B17 to B22 refuses its own fields where they are wrong, by name', async () => {
      const rows: Refused = endpoint.refused.map(([patch, param, status = 400]) => [
        { ...good, ...patch },
        { status, param },
      ]);
      await refuses(endpoint, rows);
      if (endpoint.streams !== true) return;
      await refuses(
        endpoint,
        ['true', 1, {}].map(
          (stream) =>
            [
              { ...good, stream },
              { status: 400, param: 'stream' },
            ] as const,
        ),
      );
    });

    it('B25 refuses fields that would choose address, key or headers of the provider', async () => {
      const fields: JsonRecord = {
        api_base: 'http://127.0.0.1/',
        base_url: 'http://127.0.0.1/',
        api_key: 'sk-mine',
        custom_host: 'http://127.0.0.1/',
        organization: 'org-x',
        extra_headers: { authorization: 'Bearer x' },
      };
      await refuses(
        endpoint,
        Object.entries(fields).map(
          ([param, value]) =>
            [
              { ...good, [param]: value },
              { status: 400, param },
            ] as const,
        ),
      );
    });

    it('B26, B29 lets no other spelling take effect, and no metadata that is long or nested', async () => {
      const { metadata } = endpoint;
      if (metadata !== undefined) {
        const odd = [{ a: 'x'.repeat(MIB) }, { a: { b: 'c' } }, 'text', ['list']];
        await refuses(
          endpoint,
          odd.map(
            (value) =>
              [
                { ...good, [metadata]: value },
                { status: 400, param: new RegExp(`^${metadata}`) },
              ] as const,
          ),
        );
      }
      const answer = await ask(rig, endpoint, { ...good, Model: 'house/dear', STREAM: true });
      assert.equal(answer.status, 200, answer.text.slice(0, 300));
    });

    it('B31, B32, B44 refuses strangers, and other methods', async () => {
      await unseenUpstream(rig, async () => {
        const body = JSON.stringify(good);
        const keys = [{}, { authorization: 'Bearer' }, { authorization: 'Basic eDp5' }, { 'x-api-key': "' OR 1=1--" }];
        for (const headers of keys) {
          const answer = await send(rig, path, { body, headers: { 'content-type': 'application/json', ...headers } });
          assertRefusedIn(answer, words, { status: 401 });
        }
        for (const method of ['PUT', 'PATCH']) {
          const answer = await send(rig, path, { method, body, headers: keysOf(words) });
          assertRefusedIn(answer, words, { status: 405 });
          assert.match(answer.headers['allow'] ?? '', /POST/);
        }
      });
    });
  });
}

describe('endpoints that take no body', () => {
  for (const [asked, words, expected] of BARE_ENDPOINTS) {
    it(`answers ${asked.slice(0, 80)} with ${String(expected.status)} in the words of ${words}`, async () => {
      const [method = '', path = ''] = asked.split(' ');
      const answer = await send(rig, path, { method, headers: keysOf(words) });
      assertRefusedIn(answer, words, expected);
      if (answer.status === 405) assert.match(answer.headers['allow'] ?? '', /^[A-Z, ]+$/);
      if (answer.status === 426) assert.equal(answer.headers['upgrade'], 'HTTP/1.1');
      const stranger = await send(rig, path, {
        method,
        headers: { ...keysOf(words), authorization: 'Bearer tk_wrong' },
      });
      // What does not exist, or not so, is no secret.
      assertRefusedIn(stranger, words, { status: [404, 405].includes(answer.status) ? [401, answer.status] : 401 });
    });
  }

  it('B40 refuses an upgrade to a socket, for the Responses API by its name', async () => {
    const { answers } = await raw(
      rig,
      `GET /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: ${keysOf('openai')['authorization']}\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    );
    assert.deepEqual(
      answers.map(({ status, headers }) => [status, headers['upgrade']]),
      [[426, 'HTTP/1.1']],
    );
  });
});

describe('the endpoints', () => {
  it('all have their rows', () => {
    const posted = [...JSON_ENDPOINTS, ...FORM_ENDPOINTS].map(({ path }) => `POST ${path}`);
    const known = [...posted, ...BARE_ENDPOINTS.map(([asked]) => asked.split('?')[0] ?? ''), ...ELSEWHERE];
    const missing = routesTaken().filter(
      ({ method, fits }) => !known.some((one) => one.startsWith(`${method} `) && fits(one.slice(method.length + 1))),
    );
    assert.deepEqual(
      missing.map(({ name }) => name),
      [],
    );
  });
});
