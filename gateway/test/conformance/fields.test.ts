/**
 * No field of a request goes in silence: every field, member of a union and value of an enum that the published schemas
 * name, one request each, to the two other protocols. Each is carried, or the loss is named where the caller wrote it.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import type { Loss } from '../../src/chat/request.ts';
import { gateDialects } from '../../src/dialects/index.ts';
import { asArray, asRecord, asString, isRecord, type Json, type JsonRecord } from '../../src/lib/json.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { WALKED as WIRES, type WalkedWire as Wire } from '../translation/wires.ts';
import { holdsText, isUnder, MARK, variantsOf, type Variant, type Walk } from './schema-walk.ts';

/** Where a request's schema is found, and whose wire it describes. */
interface Spec {
  readonly wire: Wire;
  readonly file: string;
  readonly schema: readonly string[];
}

const SPECS: readonly Spec[] = [
  {
    wire: 'openai-chat',
    file: 'openai.openapi.yaml',
    schema: ['components', 'schemas', 'CreateChatCompletionRequest'],
  },
  { wire: 'openai-chat', file: 'openrouter.openapi.yaml', schema: ['components', 'schemas', 'ChatRequest'] },
  { wire: 'openai-chat', file: 'mistral.openapi.yaml', schema: ['components', 'schemas', 'ChatCompletionRequest'] },
  {
    wire: 'anthropic-messages',
    file: 'anthropic.messages.schema.json',
    schema: ['definitions', 'MessageCreateParamsNonStreaming'],
  },
  { wire: 'gemini', file: 'gemini.v1beta.schema.json', schema: ['$defs', 'GenerateContentRequest'] },
];
const MODELS: Readonly<Record<Wire, string>> = {
  'openai-chat': 'some-model',
  'anthropic-messages': 'claude-sonnet-4-5',
  gemini: 'gemini-2.5-flash',
};
const PATH = { model: 'm', isStreaming: false };

/** Variants that need not be carried: what they say is so without them, or cannot be said of anything. */
const SAYS_NOTHING: readonly (readonly [place: RegExp, leaf: unknown, reason: string])[] = [
  [
    /^stream(_options\.include_usage)?$/,
    undefined,
    'the gateway streams as it was asked to, whatever the provider is asked',
  ],
  [/\.detail$/, 'auto', 'the default'],
  [/^(modalities|generationConfig\.responseModalities)$/, 'text', 'the default'],
  [/^(modalities|generationConfig\.responseModalities)$/, 'TEXT', 'the default'],
  [/^response_format\.type$/, 'text', 'the default'],
  [/\.strict$/, false, 'the default'],
  [/^response_format\.json_schema\.strict$/, true, 'a schema of the answer is always enforced where there is one'],
  [/^(logprobs|generationConfig\.responseLogprobs)$/, false, 'the default'],
  [/^parallel_tool_calls$/, true, 'the default'],
  [/^tool_choice\.disable_parallel_tool_use$/, false, 'the default'],
  [/is_error$/, false, 'the default'],
  [/^thinking\.display$/, 'summarized', 'the default of what it is compared with'],
  [/^(tools|tool_choice|messages\.tool_calls)\.type$/, 'function', 'the default'],
  [/^tools\.type$/, 'custom', 'the default'],
  [/\.nullable$/, false, 'the default'],
  [/\.propertyOrdering$/, undefined, 'is the order of the properties themselves'],
  [/functionCallingConfig\.mode$/, 'MODE_UNSPECIFIED', 'the default'],
  [/^systemInstruction\.role$/, undefined, 'Google reads no role there'],
  [/functionDeclarations\.parameters\.type$/, 'OBJECT', 'arguments are an object'],
  [/functionResponse\.name$/, undefined, 'stands with the call'],
  [/^messages\.tool_calls\.index$/, undefined, 'the order says it'],
  [/^messages\.content\.closed$/, true, 'the default'],
  [/^messages\.audio\.expires_at$/, undefined, 'of a sound that is not there'],
  [/^messages\.reasoning_details\.format$/, undefined, 'of a signature that is not there'],
  [/^messages\.reasoning_details\.index$/, undefined, 'the order says it'],
];
/** Variants that no provider takes, so that they are refused at the door. */
const REFUSED: readonly RegExp[] = [/^response_format\.type$/, /\.parts\.thought$/, /^messages\.(name|model|prefix)$/];

/** Losses of a part that say nothing of the fields in it. */
const PARTIAL: ReadonlySet<string> = new Set([
  'system-position',
  'tool-result-name',
  'tool-result-media',
  'first-turn',
]);

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const objectWith = (word: string): JsonRecord => ({ type: 'object', properties: { [word]: { type: 'string' } } });

type Maker = (word: string) => Json;
/** What fields must hold beyond their type, so that a provider takes them. */
const VALUES: Readonly<Record<string, Maker>> = {
  tool_call_id: (word) => (word === MARK ? word : 'call_1'),
  tool_use_id: (word) => (word === MARK ? word : 'call_1'),
  url: (word) => `https://example.com/${word}.png`,
  fileUri: (word) => `https://example.com/${word}.png`,
  file_data: (word) => `data:application/pdf;base64,${base64(word)}`,
  data: base64,
  thoughtSignature: base64,
  mimeType: () => 'image/png',
  media_type: () => 'image/png',
  input_schema: objectWith,
  schema: objectWith,
  parameters: objectWith,
  parametersJsonSchema: objectWith,
  responseJsonSchema: objectWith,
  top_logprobs: (word) => (word === MARK ? 7 : 8),
  n: (word) => (word === MARK ? 3 : 4),
  candidateCount: (word) => (word === MARK ? 3 : 4),
  max_tokens: (word) => (word === MARK ? 3517 : 4000),
  budget_tokens: (word) => (word === MARK ? 1517 : 2000),
};
/** What objects must hold though their schema does not say so. */
const DEMANDED: Readonly<Record<string, JsonRecord>> = {
  functionCall: { name: 'f' },
  functionResponse: { name: 'f', response: {} },
  functionDeclarations: { name: 'f' },
  inlineData: { mimeType: 'image/png', data: base64('other') },
  fileData: { fileUri: 'https://example.com/other.png' },
  parameters: { type: 'OBJECT' },
  responseSchema: { type: 'OBJECT' },
  contents: { parts: [{ text: 'something' }] },
  json_schema: { name: 'answer', schema: { type: 'object' } },
};

function walkOf(spec: Spec, root: Json): Walk {
  return {
    root,
    valueFor: (field, word) => {
      if (field === 'role' && spec.wire === 'gemini') return word === MARK ? 'model' : 'user';
      if (field === 'logprobs' && spec.wire === 'gemini') return word === MARK ? 7 : 8;
      return Object.hasOwn(VALUES, field) ? VALUES[field]?.(word) : undefined;
    },
    // Mistral's schema lets the type be guessed; its API does not.
    demanded: spec.file.startsWith('mistral') ? { ...DEMANDED, response_format: { type: 'json_schema' } } : DEMANDED,
  };
}

const CALL = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } };
const BASE: Readonly<Record<Wire, JsonRecord>> = {
  'openai-chat': { model: 'm', messages: [{ role: 'user', content: 'hi' }] },
  'anthropic-messages': { model: 'm', max_tokens: 4096, messages: [{ role: 'user', content: 'hi' }] },
  gemini: { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] },
};
const TOOLS: Readonly<Record<Wire, readonly Json[]>> = {
  'openai-chat': [{ type: 'function', function: { name: 'f' } }],
  'anthropic-messages': [{ name: 'f', input_schema: { type: 'object' } }],
  gemini: [{ functionDeclarations: [{ name: 'f' }] }],
};

/** A request around one top-level field: the conversation goes on before and after it, and a choice has tools to choose from. */
function requestOf(wire: Wire, whole: Json, path: string): JsonRecord {
  const [top = ''] = path.split(/[.[]/);
  const value = asRecord(whole)?.[top];
  const { [top]: usual, ...rest } = BASE[wire];
  if (value === undefined) return rest;
  if (top === 'messages' || top === 'contents') {
    return {
      ...rest,
      [top]: [...(asArray(usual) ?? []), ...before(wire, value), ...(asArray(value) ?? []), ...(asArray(usual) ?? [])],
    };
  }
  if (top === 'stream_options') return { ...BASE[wire], stream: true, [top]: value };
  const needsTools = ['tool_choice', 'toolConfig', 'function_call', 'parallel_tool_calls'].includes(top);
  return { ...BASE[wire], ...(needsTools ? { tools: TOOLS[wire] } : {}), [top]: value };
}

/** The call that a result answers. */
function before(wire: Wire, messages: Json): readonly Json[] {
  const role = asRecord(asArray(messages)?.[0])?.['role'];
  if (wire === 'openai-chat')
    return role === 'tool' || role === 'function' ? [{ role: 'assistant', tool_calls: [CALL] }] : [];
  if (wire === 'gemini') return [];
  return [
    { role: 'assistant', content: [{ type: 'tool_use', id: 'call_1', name: 'f', input: {} }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call_1' }] },
  ];
}

function placeOf(path: string): string {
  return path.replaceAll(/\[\d+\]/g, '');
}

function saysNothing({ path, leaf }: Variant): boolean {
  return SAYS_NOTHING.some(([place, value]) => place.test(placeOf(path)) && (value === undefined || value === leaf));
}

/** Why a variant is lost in silence; undefined where it is not. */
function silence(spec: Spec, to: Wire, variant: Variant): string | undefined {
  const sent = sentTo(to, spec.wire, requestOf(spec.wire, variant.value, variant.path));
  if (holdsText(variant.leaf, MARK) && holdsText(sent.body, MARK)) return undefined;
  if (sent.losses.some((loss) => names(loss, variant.path))) return undefined;
  const less = requestOf(spec.wire, variant.without, variant.path);
  // A request that is refused without the field is not the same without it.
  if (!gateDialects[spec.wire].inspect(less, PATH).ok) return undefined;
  const without = sentTo(to, spec.wire, less);
  const isSame = JSON.stringify(without.body) === JSON.stringify(sent.body);
  if (!isSame && !holdsText(variant.leaf, MARK)) return undefined;
  const listed = sent.losses.map((loss) => `${loss.code}@${loss.field}`).join(' ');
  return `${spec.file} → ${to}: ${variant.path} ${JSON.stringify(variant.leaf)} ${listed}`;
}

function names(loss: Loss, path: string): boolean {
  const isPart = isUnder(path, loss.field) && placeOf(path) !== placeOf(loss.field);
  return isPart ? !PARTIAL.has(loss.code) : isUnder(path, loss.field) || isUnder(loss.field, path);
}

function sentTo(
  to: Wire,
  from: Wire,
  body: JsonRecord,
): { readonly body: JsonRecord; readonly losses: readonly Loss[] } {
  const decoded = gateDialects[from].decodeRequest(body, PATH);
  assert.ok(decoded.ok, `${from}: ${JSON.stringify(body).slice(0, 400)}`);
  return gateDialects[to].encodeRequest(decoded.value, { model: MODELS[to] });
}

function schemaOf(spec: Spec, root: Json): Json {
  let found: Json | undefined = root;
  for (const step of spec.schema) found = asRecord(found)?.[step];
  assert.ok(isRecord(found), `${spec.file} has no ${spec.schema.join('.')}`);
  return found;
}

function read(file: string): Json {
  const text = readFileSync(join(corpusDir() ?? '', 'specs', file), 'utf8');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- typed `any`, and JSON by definition of both formats.
  return (file.endsWith('.yaml') ? parse(text) : JSON.parse(text)) as Json;
}

describe('fields of the published request schemas', { skip: corpusSkip('fields') }, () => {
  for (const spec of SPECS) {
    it(`are carried or named: ${spec.file}`, () => {
      const root = read(spec.file);
      const variants = variantsOf(schemaOf(spec, root), walkOf(spec, root)).filter(
        (one) => one.path !== 'model' && !saysNothing(one),
      );
      const silent: string[] = [];
      const refused: string[] = [];
      let translated = 0;
      for (const variant of variants) {
        const seen = gateDialects[spec.wire].inspect(requestOf(spec.wire, variant.value, variant.path), PATH);
        if (!seen.ok) refused.push(`${placeOf(variant.path)}: ${asString(seen.error.param) ?? ''}`);
        else {
          for (const to of WIRES.filter((wire) => wire !== spec.wire)) {
            translated += 1;
            const found = silence(spec, to, variant);
            if (found !== undefined) silent.push(found);
          }
        }
      }
      console.log(
        `fields: ${spec.file}: ${variants.length} variants, ${translated} translations, ${refused.length} refused`,
      );
      assert.ok(variants.length > 100, 'the walk found next to nothing');
      assert.deepEqual(silent, []);
      assert.deepEqual(
        refused.filter((line) => !REFUSED.some((place) => place.test(line.split(':', 1)[0] ?? ''))),
        [],
      );
    });
  }
});
