import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { MatchFacts } from './script.ts';
import { glob } from '../lib/glob.ts';
import { createScript, readScript } from './script.ts';
import type { Step } from './step.ts';
import { parseSteps } from './step.ts';

function facts(
  given: Partial<{
    method: string;
    path: string;
    provider: string;
    model: string;
    isStreaming: boolean;
    body: string;
  }> = {},
): MatchFacts {
  return {
    method: given.method ?? 'POST',
    path: given.path ?? '/v1/chat/completions',
    provider: given.provider,
    model: () => given.model,
    isStreaming: () => given.isStreaming ?? false,
    bodyText: () => given.body ?? '',
  };
}

function statuses(steps: readonly Step[], requests: readonly MatchFacts[]): (number | undefined)[] {
  const script = createScript();
  script.set(steps);
  return requests.map((request) => script.forRequest(request)?.status);
}

describe('a script', () => {
  it('answers with its steps in order, each once', () => {
    assert.deepEqual(statuses([{ status: 500 }, { status: 200 }], [facts(), facts(), facts()]), [500, 200, undefined]);
  });

  it('uses a step as often as it says', () => {
    const steps: Step[] = [
      { status: 500, times: 2 },
      { status: 200, times: 'forever' },
    ];
    assert.deepEqual(statuses(steps, [facts(), facts(), facts(), facts()]), [500, 500, 200, 200]);
  });

  it('skips steps that do not match', () => {
    const steps: Step[] = [
      { match: { provider: 'groq' }, status: 500 },
      { match: { provider: 'xai' }, status: 503 },
    ];
    assert.deepEqual(statuses(steps, [facts({ provider: 'xai' }), facts({ provider: 'groq' }), facts()]), [
      503,
      500,
      undefined,
    ]);
  });

  it('counts nth among the requests that meet the rest, whoever answered the others', () => {
    const steps: Step[] = [
      { match: { model: 'a', nth: 2 }, status: 500, times: 'forever' },
      { status: 200, times: 'forever' },
    ];
    const requests = [facts({ model: 'a' }), facts({ model: 'b' }), facts({ model: 'a' }), facts({ model: 'a' })];
    assert.deepEqual(statuses(steps, requests), [200, 200, 500, 200]);
  });

  it('counts for nth also what an earlier step answers', () => {
    const steps: Step[] = [{ status: 200 }, { match: { nth: 2 }, status: 500 }];
    assert.deepEqual(statuses(steps, [facts(), facts()]), [200, 500]);
  });

  const matches: readonly (readonly [Step['match'], MatchFacts, boolean])[] = [
    [{ path: '/chat/completions' }, facts(), true],
    [{ path: '/messages' }, facts(), false],
    [{ path: '/v1/*' }, facts(), true],
    [{ path: '/v2/*' }, facts(), false],
    [{ method: 'get' }, facts({ method: 'GET' }), true],
    [{ method: 'GET' }, facts(), false],
    [{ model: 'gpt-*' }, facts({ model: 'gpt-5' }), true],
    [{ model: 'gpt-*' }, facts({ model: 'claude' }), false],
    [{ model: 'gpt-5' }, facts(), false],
    [{ stream: true }, facts({ isStreaming: true }), true],
    [{ stream: false }, facts({ isStreaming: true }), false],
    [{ contains: 'needle' }, facts({ body: 'a needle in hay' }), true],
    [{ contains: 'needle' }, facts({ body: 'hay' }), false],
  ];
  for (const [match, request, expected] of matches) {
    it(`${expected ? 'takes' : 'leaves'} a request by ${JSON.stringify(match)}`, () => {
      assert.deepEqual(statuses([{ ...(match === undefined ? {} : { match }), status: 418 }], [request]), [
        expected ? 418 : undefined,
      ]);
    });
  }

  it('keeps steps for connections apart', () => {
    const script = createScript();
    script.set([{ on: 'connection', reset_before_reply: true, match: { nth: 2 } }, { status: 500 }]);
    assert.equal(script.forConnection(), undefined);
    assert.equal(script.forConnection()?.reset_before_reply, true);
    assert.equal(script.forRequest(facts())?.status, 500);
  });

  const globs: readonly (readonly [string, string, boolean])[] = [
    ['a*c', 'abc', true],
    ['a*c', 'ac', true],
    ['a*c', 'ab', false],
    ['ab*ba', 'aba', false],
    ['*', '', true],
    ['*b*', 'abc', true],
    ['a*b*c', 'a1b2c', true],
    ['a*bc*c', 'abc', false],
    ['a.c', 'abc', false],
  ];
  for (const [pattern, text, expected] of globs) {
    it(`says that ${JSON.stringify(text)} ${expected ? 'fits' : 'does not fit'} ${pattern}`, () =>
      assert.equal(glob(pattern, text), expected));
  }
});

describe('the check of a script', () => {
  const bad: readonly (readonly [unknown, RegExp])[] = [
    ['x', /^steps must be a list/],
    [[1], /^steps\[0\] must be an object/],
    [[{ statsu: 500 }], /^steps\[0\]\.statsu is not known; known are/],
    [[{}, { match: { nth: 0 } }], /^steps\[1\]\.match\.nth must be a whole number, 1 or more/],
    [[{ status: 100 }], /^steps\[0\]\.status must be a status/],
    [[{ headers: { 'a b': 'c' } }], /^steps\[0\]\.headers\.a b is not a header name/],
    [[{ headers: { a: 'b\r\nc: d' } }], /^steps\[0\]\.headers\.a must be text of one line/],
    [[{ cut_at: -1 }], /^steps\[0\]\.cut_at must be/],
    [[{ cut_at: { tail: 1 } }], /^steps\[0\]\.cut_at /],
    [[{ cut_at: 1, stall_at: 2 }], /may have only one of cut_at, stall_at/],
    [[{ end_at: { head: 1 } }], /^steps\[0\]\.end_at /],
    [[{ endless: true, content_length: 5 }], /cannot declare the length of an endless body/],
    [[{ json: {}, body: '' }], /may have only one of body, json/],
    [[{ reply: { tool_calls: [{ nam: 'x' }] } }], /^steps\[0\]\.reply\.tool_calls\[0\]\.nam is not known/],
    [[{ content_length: '10' }], /^steps\[0\]\.content_length/],
    [[{ on: 'connection', status: 500 }], /on a connection cannot have status/],
    [[{ on: 'connection', match: { model: 'x' } }], /on a connection cannot match model/],
    [[JSON.parse('{"__proto__": 1}')], /is not known/],
  ];
  for (const [steps, message] of bad) {
    it(`refuses ${JSON.stringify(steps)}`, () => {
      const parsed = parseSteps(steps);
      assert.match(parsed.ok ? 'accepted' : parsed.error, message);
    });
  }
});

describe('a script file', () => {
  let dir = '';
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'turnout-script-'));
  });
  after(() => rm(dir, { recursive: true, force: true }));

  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(join(dir, name), text);
    return join(dir, name);
  };

  it('may be YAML', async () => {
    const path = await write('a.yaml', 'steps:\n  - match: {provider: groq}\n    status: 500\n    times: forever\n');
    assert.deepEqual(await readScript(path), {
      ok: true,
      value: [{ match: { provider: 'groq' }, status: 500, times: 'forever' }],
    });
  });

  it('may be JSON', async () => {
    assert.deepEqual(await readScript(await write('a.json', '[{"status": 500}]')), {
      ok: true,
      value: [{ status: 500 }],
    });
  });

  for (const [name, text, message] of [
    ['broken.yaml', 'steps:\n  - {status: 500', /broken\.yaml: .*line/s],
    ['wrong.yaml', 'steps:\n  - status: hello\n', /wrong\.yaml: steps\[0\]\.status/],
  ] as const) {
    it(`names what is wrong in ${name}`, async () => {
      const read = await readScript(await write(name, text));
      assert.match(read.ok ? 'accepted' : read.error, message);
    });
  }

  it('that is not there is an error', async () => {
    const read = await readScript(join(dir, 'none.yaml'));
    assert.match(read.ok ? 'accepted' : read.error, /none\.yaml/);
  });
});
