/** Whose models a key may use, and what the wishes of a body come to: from the words of file, key and body to the plan. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeCatalog } from '../src/catalog/catalog.ts';
import type { Fault } from '../src/chat/fault.ts';
import { dryWorld, OPERATOR } from '../src/cli/dry-world.ts';
import { parseConfig } from '../src/config/load.ts';
import { gateDialects } from '../src/dialects/index.ts';
import { anthropicMessages } from '../src/dialects/anthropic-messages.ts';
import type { Dialect } from '../src/dialects/dialect.ts';
import { embeddings } from '../src/dialects/operations/embeddings.ts';
import { openaiChat } from '../src/dialects/openai-chat.ts';
import { asRecord, compact, parseJson, type JsonRecord } from '../src/lib/json.ts';
import type { Result } from '../src/lib/result.ts';
import { parseBody } from '../src/pipeline/body.ts';
import type { OutgoingOptions } from '../src/pipeline/call.ts';
import type { ChatCall } from '../src/pipeline/chat-call.ts';
import { acceptChat } from '../src/pipeline/chat.ts';
import { operationArrival } from '../src/pipeline/operation.ts';
import { planCall, type Planning } from '../src/pipeline/planning.ts';
import { requestRecord } from '../src/pipeline/record.ts';
import { replayed } from '../src/pipeline/replay.ts';
import { compile } from '../src/routing/compile.ts';
import type { Snapshot } from '../src/routing/snapshot.ts';
import { maySee } from '../src/pipeline/key-reach.ts';
import type { KeyRow } from '../src/store/ports.ts';

function house(name: string, more = ''): string {
  const models = '{m: {price: {input: 1, output: 1}}, x: {price: {input: 1, output: 1}}}';
  return `  ${name}: {dialect: openai-chat, base_url: 'http://10.0.0.5:8000/v1', ${more} models: ${models}}\n`;
}

function snapshotOf(yaml: string): Snapshot {
  const parsed = parseConfig(yaml, { file: 'turnout.yaml', env: {} });
  assert.ok(parsed.ok, JSON.stringify(parsed.ok ? '' : parsed.error));
  const catalog = makeCatalog({ name: 'none' }, []);
  return compile({ config: parsed.value.config, catalog, env: {}, dialects: gateDialects }).snapshot;
}

interface Asked {
  readonly dialect?: Dialect;
  readonly allowed?: readonly string[];
  /** What else the key is kept from. */
  readonly reach?: Pick<KeyRow, 'allowedRoutes' | 'allowedProviders' | 'allowedRegions'>;
}

function accepted(fields: JsonRecord, dialect: Dialect = openaiChat): Result<ChatCall, Fault> {
  const body = parseBody(Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: 'hello' }], ...fields })));
  assert.ok(body.ok);
  const input = { requestId: 'req_1', startedMs: 0, dialect, path: {}, isJsonArray: false, query: '' };
  return acceptChat({ ...input, headers: {}, body: body.value });
}

function planned(
  snapshot: Snapshot,
  fields: JsonRecord,
  { allowed, reach, dialect }: Asked = {},
): Result<Planning, Fault> {
  const call = accepted(fields, dialect);
  if (!call.ok) return call;
  const isFree = allowed === undefined && reach === undefined;
  const key = isFree ? OPERATOR : compact({ ...OPERATOR, isRoot: false, allowedModels: allowed, ...reach });
  return planCall(call.value, { snapshot, key, world: dryWorld(snapshot, () => 0.5) });
}

/** What the first target of the plan is sent. */
async function sentBody(
  snapshot: Snapshot,
  fields: JsonRecord,
  { dialect, ...more }: Pick<Asked, 'dialect'> & Pick<OutgoingOptions, 'unfinished' | 'output'> = {},
): Promise<JsonRecord> {
  const [call, made] = [accepted(fields, dialect), planned(snapshot, fields, compact({ dialect }))];
  assert.ok(call.ok && made.ok);
  const [target] = made.value.plan.targets;
  assert.ok(target);
  const { followed } = made.value;
  const built = await call.value.outgoing(call.value.over(target), { instanceId: 'test', followed, ...more });
  assert.ok(built.ok, JSON.stringify(built));
  return asRecord(parseJson(built.value.call.body?.toString('utf8') ?? '')) ?? {};
}

/** Targets of the plan, or the code of the fault. */
function targets(snapshot: Snapshot, fields: JsonRecord, asked: Asked = {}): readonly string[] | string {
  const made = planned(snapshot, fields, asked);
  return made.ok ? made.value.plan.targets.map(({ id }) => id) : made.error.code;
}

function recordOf(planning: Planning, { id: snapshotId }: Snapshot): JsonRecord {
  const asked = { id: 'req_1', snapshotId, operation: 'chat', protocol: 'openai-chat', atUnixMs: Date.now() };
  const ended = { outcome: 'ok', status: 200, fault: undefined, durationMs: 1, tags: [], attempts: [] } as const;
  const record = requestRecord({ ...asked, ...ended, facts: planning.facts, planning, isTurnKept: false });
  return asRecord(parseJson(JSON.stringify(record))) ?? {};
}

describe('the models that a key may use', () => {
  it('are by prefix those of full names: another provider’s name for a model begins no prefix', () => {
    const resold = "{'openai/gpt-5': {price: {input: 1, output: 1}}}";
    const snapshot = snapshotOf(
      `providers:\n${house('openai')}  resale: {dialect: openai-chat, base_url: 'http://10.0.0.5:8000/v1', models: ${resold}}\n`,
    );
    const allowed = ['openai/*'];
    assert.deepEqual(targets(snapshot, { model: 'openai/m' }, { allowed }), ['openai/m']);
    assert.equal(targets(snapshot, { model: 'resale/openai/gpt-5' }, { allowed }), 'model-unknown');
    assert.equal(snapshot.isVisible('resale/openai/gpt-5', allowed), false);
    assert.deepEqual(targets(snapshot, { model: 'resale/openai/gpt-5' }, { allowed: ['resale/*'] }), [
      'resale/openai/gpt-5',
    ]);
    assert.deepEqual(targets(snapshot, { model: 'openai/m' }, { allowed: ['m'] }), ['openai/m']);
  });
});

describe('the routes, providers and regions that a key may use', () => {
  const snapshot = snapshotOf(`providers:
${house('near', 'region: eu-central-1,')}${house('far', 'region: us-east-1,')}${house('somewhere')}routes:
  mixed: {targets: [near/m, far/m, somewhere/m]}
  abroad: {targets: [far/x]}
aliases: {n: near/x}
`);
  const seen = (reach: Asked['reach'] & Pick<KeyRow, 'allowedModels'>): readonly string[] =>
    snapshot.listed.filter((model) => maySee(reach, model, snapshot)).map(({ id }) => id);

  it('leave out targets of other providers, and those alone', () => {
    const reach = { allowedProviders: ['near', 'somewhere'] };
    assert.deepEqual(targets(snapshot, { model: 'mixed' }, { reach }), ['near/m', 'somewhere/m']);
    assert.equal(targets(snapshot, { model: 'abroad' }, { reach }), 'model-unknown');
    assert.equal(targets(snapshot, { model: 'far/m' }, { reach }), 'model-unknown');
    assert.deepEqual(targets(snapshot, { model: 'n' }, { reach }), ['near/x']);
  });

  it('leave out targets in other regions, and those whose region nobody knows', () => {
    const reach = { allowedRegions: ['eu'] };
    assert.deepEqual(targets(snapshot, { model: 'mixed' }, { reach }), ['near/m']);
    assert.equal(targets(snapshot, { model: 'somewhere/m' }, { reach }), 'model-unknown');
    assert.equal(targets(snapshot, { model: 'mixed' }, { reach: { allowedRegions: [] } }), 'model-unknown');
  });

  it('are names beside those of models: what is in either list may be named', () => {
    const reach = { allowedRoutes: ['mix*'] };
    assert.deepEqual(targets(snapshot, { model: 'mixed' }, { reach }), ['near/m', 'far/m', 'somewhere/m']);
    assert.equal(targets(snapshot, { model: 'near/m' }, { reach }), 'model-unknown');
    assert.equal(targets(snapshot, { model: 'abroad' }, { reach }), 'model-unknown');
    assert.deepEqual(targets(snapshot, { model: 'far/x' }, { reach, allowed: ['far/x'] }), ['far/x']);
    const narrow = { ...reach, allowedProviders: ['far'] };
    assert.deepEqual(targets(snapshot, { model: 'mixed' }, { reach: narrow }), ['far/m']);
  });

  it('are the ones that are listed', () => {
    assert.deepEqual(seen({ allowedProviders: ['far'] }), ['auto', 'mixed', 'abroad', 'far/m', 'far/x']);
    assert.deepEqual(seen({ allowedRegions: ['eu'] }), ['auto', 'mixed', 'n', 'near/m', 'near/x']);
    assert.deepEqual(seen({ allowedRoutes: ['abroad'] }), ['abroad']);
    assert.deepEqual(seen({ allowedRoutes: ['abroad'], allowedModels: ['near/m'] }), ['abroad', 'near/m']);
    assert.deepEqual(seen({ allowedRoutes: ['abroad'], allowedRegions: ['eu'] }), []);
  });

  it('name the providers there are to nobody else', () => {
    const wish = { model: 'mixed', provider: { only: ['nobody'] } };
    const messageFor = (asked: Asked): string => {
      const made = planned(snapshot, wish, asked);
      return made.ok ? '' : made.error.message;
    };
    assert.match(messageFor({}), /far/);
    assert.doesNotMatch(messageFor({ reach: { allowedProviders: ['near'] } }), /far/);
    assert.doesNotMatch(messageFor({ reach: { allowedRegions: ['eu'] } }), /far/);
  });
});

describe('what several names want to know of the text', () => {
  it('is the task alone where none of them asks for more', () => {
    const snapshot = snapshotOf(
      `providers:\n${house('p')}routes: {r: {targets: [p/m], rules: [{when: '"email" in facts.sensitive', refuse: no}]}}\n`,
    );
    const wantedBy = (...[model, ...models]: readonly string[]): ReadonlySet<string> | undefined => {
      const made = planned(snapshot, { model: model ?? '', models });
      assert.ok(made.ok);
      return made.value.input.policy.wanted;
    };
    assert.equal(wantedBy('p/m', 'p/x'), undefined);
    assert.deepEqual(wantedBy('p/m', 'r'), new Set(['task', 'sensitive']));
  });
});

describe('a wish for no fallbacks', () => {
  const snapshot = snapshotOf(
    `providers:\n${house('p')}${house('q')}${house('s')}routes: {r: {targets: [p/m, q/m, p/x, s/m]}}\n`,
  );

  it('leaves the provider that comes first', () => {
    assert.deepEqual(targets(snapshot, { model: 'r', provider: { allow_fallbacks: false } }), ['p/m', 'p/x']);
    const ignoring = { allow_fallbacks: false, ignore: ['p'] };
    assert.deepEqual(targets(snapshot, { model: 'r', provider: ignoring }), ['q/m']);
    assert.equal(targets(snapshot, { model: 'r', provider: { allow_fallbacks: true } }).length, 4);
  });

  it('leaves those that it names, where it names any', () => {
    const named = { allow_fallbacks: false, order: ['s', 'q'] };
    assert.deepEqual(targets(snapshot, { model: 'r', provider: named }), ['s/m', 'q/m']);
  });
});

describe('several names', () => {
  const snapshot = snapshotOf(`providers:
${house('p')}${house('q')}${house('s')}routes:
  cheap: {targets: [p/m, s/m]}
  premium: {targets: [p/x, q/m, s/x]}
  bound: {targets: [s/x, q/x], require: {training: false}}
`);

  it('give a key the targets of those that it may use, whichever of them stands first', () => {
    const allowed = ['cheap', 'p/x'];
    assert.deepEqual(targets(snapshot, { model: 'premium' }, { allowed }), ['p/x']);
    assert.deepEqual(targets(snapshot, { model: 'cheap', models: ['premium'] }, { allowed }), ['p/m', 's/m', 'p/x']);
    assert.deepEqual(targets(snapshot, { model: 'premium', models: ['cheap'] }, { allowed }), ['p/x', 'p/m', 's/m']);
    assert.deepEqual(targets(snapshot, { model: 'q/m', models: ['cheap'] }, { allowed }), 'model-unknown');
  });

  it('lend a target nothing of a name that the key may not use: it is bound as its own name binds it', () => {
    const allowed = ['bound', 'p/x'];
    assert.deepEqual(targets(snapshot, { model: 'premium', models: ['bound'] }, { allowed }), ['p/x']);
    assert.deepEqual(targets(snapshot, { model: 'premium', models: ['bound'] }), ['p/x', 'q/m', 's/x']);
  });

  it('leave a record from which the same plan is made again', () => {
    const asked = { allowed: ['bound', 'p/x'] };
    const made = planned(snapshot, { model: 'premium', models: ['bound'] }, asked);
    assert.ok(made.ok);
    assert.equal(made.value.input.shut?.size, 1);
    assert.equal(replayed(recordOf(made.value, snapshot), snapshot).kind, 'same');
  });
});

describe('a target that stands in two routes inside a route', () => {
  const snapshot = snapshotOf(`providers:
${house('p')}${house('q')}routes:
  certified: {targets: [p/m], require: {compliance: [hipaa]}}
  guarded: {targets: [p/m], rules: [{name: mail, when: '"email" in facts.sensitive', refuse: no mail leaves}]}
  free: {targets: [p/m]}
  outer: {targets: [certified, guarded, q/m]}
  wide: {targets: [guarded, free, q/m]}
`);
  const mail = { messages: [{ role: 'user', content: 'write to jane.huber@firma-huber.de' }] };

  it('is kept from a request by the rule of one where the other does not take it', () => {
    assert.deepEqual(targets(snapshot, { model: 'outer' }), ['p/m', 'q/m']);
    assert.deepEqual(targets(snapshot, { model: 'outer', ...mail }), ['q/m']);
    assert.deepEqual(targets(snapshot, { model: 'q/m', models: ['certified', 'guarded'], ...mail }), ['q/m']);
  });

  it('takes the request where one of them does', () => {
    assert.deepEqual(targets(snapshot, { model: 'wide', ...mail }), ['p/m', 'q/m']);
  });
});

describe('wishes for a provider that chooses among providers itself', () => {
  const snapshot = snapshotOf(`providers:
${house('openrouter')}${house('p')}${house('q', 'retention_days: 0, trains: false,')}routes:
  r: {targets: [openrouter/m], rules: [{when: '!facts.stream', use: {targets: [p/m, q/m, openrouter/x]}}]}
`);
  const MODEL = 'openrouter/m';

  it('bind every target that does not read them, whichever name it came by', () => {
    const models = ['p/m', 'q/m'];
    const by = (provider: JsonRecord, more: JsonRecord = {}): readonly string[] | string =>
      targets(snapshot, { model: MODEL, models, provider, ...more });
    assert.deepEqual(by({}), ['openrouter/m', 'p/m', 'q/m']);
    assert.deepEqual(by({ zdr: true, data_collection: 'deny' }), ['openrouter/m', 'q/m']);
    assert.deepEqual(by({ only: ['mistral', 'p'] }), ['openrouter/m', 'p/m']);
    assert.deepEqual(by({ ignore: ['p'] }), ['openrouter/m', 'q/m']);
    assert.deepEqual(by({ order: ['q'], allow_fallbacks: false }), ['openrouter/m', 'q/m']);
    assert.deepEqual(by({ order: ['q'] }), ['openrouter/m', 'p/m', 'q/m']);
    assert.deepEqual(by({ max_price: { prompt: 0.5 } }), ['openrouter/m']);
    assert.deepEqual(by({ quantizations: ['fp8'] }), ['openrouter/m']);
    assert.deepEqual(by({ quantizations: ['fp8'] }, { turnout: { adapt: true } }), ['openrouter/m', 'p/m', 'q/m']);
  });

  it('bind those that a rule puts in the place of the route’s own', () => {
    assert.deepEqual(targets(snapshot, { model: 'r', provider: { ignore: ['p'] } }), ['q/m', 'openrouter/x']);
  });

  it('are in every body that such a provider is sent, and in no other', async () => {
    const provider = { zdr: true, only: ['mistral'] };
    const asked = { model: MODEL, models: ['q/m'], max_tokens: 9, provider };
    assert.deepEqual((await sentBody(snapshot, asked))['provider'], provider);
    const translated = await sentBody(snapshot, asked, { dialect: anthropicMessages });
    assert.deepEqual([translated['provider'], translated['models']], [provider, undefined]);
    const goneOn = await sentBody(snapshot, asked, { unfinished: 'Once upon' });
    assert.deepEqual(goneOn['provider'], provider);
    const elsewhere = await sentBody(snapshot, { ...asked, model: 'q/m', models: [], provider: { zdr: true } });
    assert.equal(elsewhere['provider'], undefined);
  });

  it('are in every part of a list that goes out in parts', async () => {
    const fields = { model: MODEL, input: Array.from({ length: 2049 }, () => 'a'), provider: { zdr: true } };
    const body = parseBody(Buffer.from(JSON.stringify(fields)));
    assert.ok(body.ok);
    const beside = { wire: 'openai-embeddings', voice: openaiChat, path: {}, headers: {}, query: '', startedMs: 0 };
    const world = dryWorld(snapshot, () => 0.5);
    const arrival = operationArrival(embeddings, { requestId: 'req_1', ...beside, body: body.value });
    const call = arrival.accept({ keyId: OPERATOR.id, turns: world.turns });
    assert.ok(call.ok);
    const made = planCall(call.value, { snapshot, key: OPERATOR, world });
    assert.ok(made.ok);
    const [target] = made.value.plan.targets;
    assert.ok(target);
    const built = await call.value.outgoing(target, { instanceId: 'test', followed: made.value.followed });
    assert.ok(built.ok);
    const bodies = [built.value.call, ...(built.value.more ?? [])].map((one) => one.body?.toString('utf8') ?? '');
    assert.deepEqual(
      bodies.map((text) => asRecord(parseJson(text))?.['provider']),
      [{ zdr: true }, { zdr: true }],
    );
  });
});
