/**
 * Every loss that recorded traffic meets is on the page: all recorded requests, those of real clients and of translations, to
 * several models of the two other protocols; all recorded replies, whole and streamed, to clients of the two others.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { replay } from '../../src/chat/collect.ts';
import type { ChatEvent } from '../../src/chat/reply.ts';
import type { Loss } from '../../src/chat/request.ts';
import type { EncodeContext } from '../../src/dialects/dialect.ts';
import { gateDialects } from '../../src/dialects/index.ts';
import { asArray, asRecord, asString, isRecord, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { REQUEST_CASES } from '../translation/request-cases.ts';
import {
  BEDROCK_MODELS,
  DEFAULT_MODEL,
  PROVIDER_WIRES,
  WIRES,
  type ProviderWire,
  type Wire,
} from '../translation/wires.ts';
import { placeOf, replyRows, requestRows, sent, stands } from '../translation/run.ts';
import { readIndex, readRecording, type Recording } from './recordings.ts';

const SUITE = 'losses';
const SPOKEN: Readonly<Record<string, ProviderWire>> = {
  'openai-chat': 'openai-chat',
  'anthropic-messages': 'anthropic-messages',
  'vertex-anthropic': 'anthropic-messages',
  'gemini-generate': 'gemini',
  'bedrock-converse': 'bedrock-converse',
  'openai-responses': 'openai-responses',
  'cohere-v2-chat': 'cohere',
  'ollama-chat': 'ollama',
  // Names in `translations/`.
  'chat-completions': 'openai-chat',
  responses: 'openai-responses',
  anthropic: 'anthropic-messages',
  google: 'gemini',
};
/** Models that take more or less than others. */
const MODELS: Readonly<Record<ProviderWire, readonly string[]>> = {
  'openai-chat': ['some-model', 'gpt-4o-mini', 'gpt-5-nano', 'gpt-5.4', 'o3'],
  'openai-responses': ['some-model', 'gpt-4o-mini', 'gpt-5-nano', 'gpt-5.4', 'o3'],
  'anthropic-messages': [
    'some-model',
    'claude-3-5-haiku',
    'claude-sonnet-4-5',
    'claude-opus-4-6',
    'claude-opus-4-8',
    'claude-opus-5-5',
  ],
  gemini: ['gemini-2.5-flash', 'gemini-2.5-pro', 'gemini-3.5-flash'],
  'bedrock-invoke': [DEFAULT_MODEL['bedrock-invoke'], 'amazon.titan-text-express-v1'],
  replicate: [DEFAULT_MODEL.replicate],
  cohere: [DEFAULT_MODEL.cohere],
  ollama: [DEFAULT_MODEL.ollama],
  'bedrock-converse': [DEFAULT_MODEL['bedrock-converse'], ...BEDROCK_MODELS.map(({ model }) => model)],
};
const CONTEXT: EncodeContext = { requestId: 'req_1', model: 'm', nowS: 1_790_000_000, wantsStreamUsage: true };

interface Asked {
  readonly id: string;
  readonly wire: Wire;
  readonly body: JsonRecord;
}

const corpus = corpusDir();
const recordings: readonly Recording[] =
  corpus === undefined
    ? []
    : readIndex(corpus)
        .filter((row) => SPOKEN[row.wire] !== undefined && row.operation.startsWith('chat') && row.status < 300)
        .map((row) => readRecording(corpus, row));

function wireOf(name: string): ProviderWire | undefined {
  return SPOKEN[name];
}

function readFolder(dir: string): readonly JsonRecord[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'))
    .map((file) => asRecord(parseJson(readFileSync(join(dir, file), 'utf8'))) ?? {});
}

function allRequests(dir: string): readonly Asked[] {
  const recorded = recordings.flatMap(({ id, wire, requestBody }) => askedOf(id, wire, requestBody));
  const clients = readFolder(join(dir, 'clients')).flatMap((row) =>
    askedOf(asString(row['id']) ?? '', asString(row['wire']) ?? '', asRecord(asRecord(row['request'])?.['body'])),
  );
  const pairs = readFolder(join(dir, 'providers', 'translations')).flatMap((row) =>
    askedOf(asString(row['id']) ?? '', asString(row['from']) ?? '', asRecord(row['source_request'])),
  );
  return [...recorded, ...clients, ...pairs];
}

function askedOf(id: string, name: string, body: JsonRecord | undefined): readonly Asked[] {
  const wire = WIRES.find((one) => one === wireOf(name));
  return wire === undefined || body === undefined ? [] : [{ id, wire, body }];
}

/** Losses whose field is a name that the provider or the caller chose. */
const ANYWHERE: ReadonlySet<string> = new Set(['unknown-field', 'opaque', 'tool-arguments']);

/** What the page says of losses between two protocols, as far as it can be compared with any request. */
function kindOf(from: ProviderWire, to: ProviderWire, loss: Pick<Loss, 'code' | 'weight' | 'field'>): string {
  const place = ANYWHERE.has(loss.code) ? 'any' : areaOf(loss.field);
  return `${from} → ${to}: ${loss.code} ${loss.weight} ${place}`;
}

/** One thing under several names, above all those of a wire's many providers: a loss has the caller's own, the page the usual one. */
const USUAL: Readonly<Record<string, string>> = {
  max_completion_tokens: 'max_tokens',
  random_seed: 'seed',
  safety_identifier: 'user',
  'reasoning.effort': 'reasoning_effort',
  'reasoning.enabled': 'reasoning_effort',
  'thinking.type': 'reasoning_effort',
  enable_thinking: 'reasoning_effort',
  'reasoning.exclude': 'include_reasoning',
  output_format: 'output_config.format',
  reasoning_format: 'include_reasoning',
  'generationConfig.responseJsonSchema': 'generationConfig.responseSchema',
  'generationConfig.responseMimeType': 'generationConfig.responseSchema',
};

/** Where a field stands, without the way into a message: `messages`, `system`, `generationConfig.topK`. */
function areaOf(field: string): string {
  const place = placeOf(field);
  return /^(?:messages|contents|system|systemInstruction|tools|functions)\b/.exec(place)?.[0] ?? USUAL[place] ?? place;
}

function report(title: string, counts: ReadonlyMap<string, number>): void {
  const rows = [...counts]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([kind, count]) => `\n  ${String(count).padStart(6)} × ${kind}`);
  console.log(`${title}${rows.join('')}`);
}

describe('losses of recorded traffic', { skip: corpusSkip(SUITE) }, () => {
  it('are on the page, by the names that the callers wrote: requests', () => {
    const listed = new Set(requestRows(REQUEST_CASES).map((row) => kindOf(row.from, row.to, row)));
    const counts = new Map<string, number>();
    const missing = new Map<string, string>();
    const misnamed = new Map<string, string>();
    let translated = 0;
    const asked = allRequests(corpus ?? '');
    for (const { id, wire, body } of asked) {
      const decoded = gateDialects[wire].decodeRequest(body, {
        model: asString(body['model']) ?? 'm',
        isStreaming: false,
      });
      // A request without a model has it in its URL, which only OpenAI's own wire does not read.
      // One that a prompt of the provider's stands in for has no messages.
      if (!decoded.ok || decoded.value.messages.length === 0) continue;
      for (const to of PROVIDER_WIRES.filter((other) => other !== wire)) {
        for (const model of MODELS[to]) {
          translated += 1;
          for (const loss of sent(decoded.value, to, { model }).losses) {
            const kind = kindOf(wire, to, loss);
            counts.set(kind, (counts.get(kind) ?? 0) + 1);
            if (!listed.has(kind)) missing.set(kind, `${id} at ${model}: ${loss.field}: ${loss.why}`);
            if (!stands(body, loss.field)) misnamed.set(kind, `${id}: ${loss.field}`);
          }
        }
      }
    }
    report(
      `losses: ${asked.length} requests, ${translated} translations, ${counts.size} kinds of losses, ${missing.size} not on the page, ${misnamed.size} misnamed`,
      counts,
    );
    assert.deepEqual([...missing], []);
    assert.deepEqual([...misnamed], []);
  });

  it('are on the page: replies', () => {
    const listed = new Set(replyRows().map((row) => kindOf(row.from, row.to, row)));
    const counts = new Map<string, number>();
    const missing = new Map<string, string>();
    let translated = 0;
    for (const recording of recordings) {
      const from = wireOf(recording.wire);
      if (from === undefined) continue;
      for (const to of WIRES.filter((other) => other !== from)) {
        for (const loss of replyLosses(recording, from, to)) {
          const kind = kindOf(from, to, loss);
          counts.set(kind, (counts.get(kind) ?? 0) + 1);
          if (!listed.has(kind)) missing.set(kind, `${recording.id}: ${loss.field}: ${loss.why}`);
        }
        translated += 1;
      }
    }
    report(
      `losses: ${recordings.length} replies, ${translated} translations, ${counts.size} kinds of losses, ${missing.size} not on the page`,
      counts,
    );
    assert.deepEqual([...missing], []);
  });
});

/** The losses of a recorded reply, in the form it came and, where it is whole, as a stream too. */
function replyLosses(recording: Recording, from: ProviderWire, to: Wire): readonly Loss[] {
  const { json } = recording;
  if (recording.isStream || asArray(json) !== undefined) return streamLosses(eventsOf(recording, from), to);
  if (!isRecord(json)) return [];
  const decoded = gateDialects[from].decodeResponse(json, recording.provider);
  if (!decoded.ok) return [];
  return [
    ...gateDialects[to].encodeResponse(decoded.value, CONTEXT).losses,
    ...streamLosses(replay(decoded.value), to),
  ];
}

function eventsOf(recording: Recording, from: ProviderWire): readonly ChatEvent[] {
  const decoder = gateDialects[from].decoder(recording.provider);
  return [...decoder.push(recording.bytes), ...decoder.end()];
}

function streamLosses(events: readonly ChatEvent[], to: Wire): readonly Loss[] {
  const encoder = gateDialects[to].encoder(CONTEXT);
  for (const event of events) encoder.push(event);
  encoder.end();
  return encoder.losses();
}
