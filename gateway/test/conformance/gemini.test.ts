/**
 * The `gemini` dialect over every recorded exchange of its wire: what was accepted passes, nothing is lost on the way through
 * `chat` and back unless it is listed here, streams mean the same however they are cut, and Google's own SDK reads what we write.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { ApiError, GoogleGenAI } from '@google/genai';
import { collect } from '../../src/chat/collect.ts';
import { fault } from '../../src/chat/fault.ts';
import type { ChatEvent, ChatResponse } from '../../src/chat/reply.ts';
import { mergeUsage, type Usage } from '../../src/chat/usage.ts';
import type { EncodeContext } from '../../src/dialects/dialect.ts';
import { gemini } from '../../src/dialects/gemini.ts';
import { decodeUsage } from '../../src/dialects/gemini/usage.ts';
import { isArray, isRecord, parseJson, type Json, type JsonRecord } from '../../src/lib/json.ts';
import { sseSplitter } from '../../src/lib/sse.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { dice } from '../dice.ts';

interface Exchange {
  readonly id: string;
  readonly kind: string;
  readonly provider: string;
  readonly wire: string;
  readonly operation: string;
  readonly model: string | undefined;
  readonly url: string;
  readonly request: Json | undefined;
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly response: Json | undefined;
  /** The bytes of a stream. */
  readonly stream: string | undefined;
}

const CONTEXT: EncodeContext = {
  requestId: 'req_1',
  model: 'gemini-test',
  nowS: 1_790_000_000,
  wantsStreamUsage: true,
};
const skip = corpusSkip('gemini conformance');
const exchanges = skip === false ? load() : [];
const chats = exchanges.filter((one) => one.wire === 'gemini-generate');
const accepted = chats.filter((one) => one.status < 300);
const streams = accepted.filter((one) => one.stream !== undefined);
const replies = accepted.filter((one) => one.stream === undefined && isRecord(one.response));

function load(): readonly Exchange[] {
  const dir = join(corpusDir() ?? '', 'providers');
  const index = parseJson(readFileSync(join(dir, 'index.json'), 'utf8'));
  const rows = isArray(index) ? index : isRecord(index) && isArray(index['exchanges']) ? index['exchanges'] : [];
  return rows.flatMap((row) => {
    if (!isRecord(row) || typeof row['file'] !== 'string') return [];
    const isCount = row['wire'] === 'count-tokens' && (row['provider'] === 'gemini' || row['provider'] === 'vertex');
    if (row['wire'] !== 'gemini-generate' && !isCount) return [];
    const file = parseJson(readFileSync(join(dir, row['file']), 'utf8'));
    return isRecord(file) ? [exchangeOf(file)] : [];
  });
}

function record(value: Json | undefined): JsonRecord {
  return isRecord(value) ? value : {};
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function exchangeOf(file: JsonRecord): Exchange {
  const request = record(file['request']);
  const response = record(file['response']);
  const url = text(request['url']);
  const body = response['body'];
  return {
    id: text(file['id']),
    kind: text(file['kind']),
    provider: text(file['provider']),
    wire: text(file['wire']),
    operation: text(file['operation']),
    model: /models\/([^:?]+):/.exec(url)?.[1] ?? (text(file['model']) || undefined),
    url,
    request: request['body'],
    status: Number(response['status']),
    headers: Object.fromEntries(
      Object.entries(record(response['headers'])).map(([name, value]) => [name, text(value)]),
    ),
    response: body,
    stream: streamText(response['stream'], body),
  };
}

/** The bytes as they came. Recordings without `alt=sse` hold the array of all pieces. */
function streamText(stream: Json | undefined, body: Json | undefined): string | undefined {
  if (isArray(body)) return JSON.stringify(body, undefined, 2);
  if (!isRecord(stream)) return undefined;
  const data = stream['data'];
  if (typeof data === 'string') return data;
  return isArray(data) ? data.map((piece) => `data: ${JSON.stringify(piece)}\r\n\r\n`).join('') : undefined;
}

function pathOf(one: Exchange): { readonly model: string; readonly isStreaming: boolean } {
  return { model: one.model ?? 'gemini-2.5-flash', isStreaming: one.operation === 'chat-stream' };
}

/** Counts differences by kind, so that none is let pass in silence. */
function tally(): { readonly add: (kind: string) => void; readonly counts: Map<string, number> } {
  const counts = new Map<string, number>();
  return { add: (kind) => void counts.set(kind, (counts.get(kind) ?? 0) + 1), counts };
}

function print(title: string, counts: ReadonlyMap<string, number>): void {
  console.log(
    `${title}: ${[...counts]
      .map(([kind, count]) => `${kind} ${count}`)
      .toSorted()
      .join(', ')}`,
  );
}

// ---- what is the same although it is written differently (each kind is counted) ----

type Note = (kind: string) => void;
const FREE = new Set([
  'args',
  'response',
  'labels',
  'partMetadata',
  'parameters',
  'parametersJsonSchema',
  'responseSchema',
  'responseJsonSchema',
]);

function camelAll(value: Json, note: Note): Json {
  if (isArray(value)) return value.map((item) => camelAll(item, note));
  if (!isRecord(value)) return value;
  const out: Record<string, Json> = {};
  for (const [key, item] of Object.entries(value)) {
    const name = key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
    if (name !== key) note('snake_case name');
    if (item === null || item === undefined) note('null for absent');
    else out[name] = FREE.has(name) ? item : camelAll(item, note);
  }
  return out;
}

const TYPE_NAMES = ['', 'string', 'number', 'integer', 'boolean', 'array', 'object', 'null'];

/** Google's schema language as JSON Schema, written here apart from the code under test. */
function schema(value: Json, note: Note): Json {
  if (isArray(value)) return value.map((item) => schema(item, note));
  if (!isRecord(value)) return value;
  const out: Record<string, Json> = {};
  for (const [key, item] of Object.entries(value)) {
    if (item === null || item === undefined) note('null in a schema');
    else if (key === 'type' && typeof item === 'number') {
      note('schema type as number');
      out[key] = TYPE_NAMES[item] ?? '';
    } else if (key === 'type' && typeof item === 'string') {
      if (item !== item.toLowerCase()) note('schema type in capitals');
      out[key] = item.toLowerCase();
    } else if (key === 'propertyOrdering' || key === 'property_ordering') {
      note('propertyOrdering as order of properties');
      assert.deepEqual(item, Object.keys(record(value['properties'])), 'the order was the same in all recordings');
    } else
      out[key] = key === 'properties' ? mapValues(record(item), (inner) => schema(inner, note)) : schema(item, note);
  }
  return out;
}

function mapValues(value: JsonRecord, change: (item: Json) => Json): JsonRecord {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, change(item ?? null)]));
}

function list(value: Json | undefined, note: Note): readonly Json[] {
  if (value === undefined) return [];
  if (isArray(value)) return value;
  note('one item for a list');
  return [value];
}

function normalRequest(body: JsonRecord, note: Note): JsonRecord {
  const given = record(camelAll(body, note));
  const { model, contents, systemInstruction, tools, generationConfig, toolConfig, ...rest } = given;
  if (model !== undefined) note('model in the body (the URL says it)');
  return {
    ...rest,
    contents: withIds(
      list(contents, note).map((content) => normalContent(record(content), note)),
      note,
    ),
    system: systemInstruction === undefined ? null : normalSystem(systemInstruction, note),
    tools: normalTools(list(tools, note).map(record), note),
    config: normalConfig(record(generationConfig), note),
    toolConfig: normalToolConfig(record(toolConfig), note),
  };
}

function normalContent(content: JsonRecord, note: Note): JsonRecord {
  const role = content['role'] ?? 'user';
  if (content['role'] === undefined) note('role left out');
  return { role, parts: list(content['parts'], note).map((part) => normalPart(record(part), note)) };
}

/** A result without an id gets that of the call it answers, where the call had one. */
function withIds(contents: readonly JsonRecord[], note: Note): readonly JsonRecord[] {
  const open: JsonRecord[] = [];
  return contents.map((content) => ({
    ...content,
    parts: list(content['parts'], note).map((part) => {
      const call = record(part)['functionCall'];
      const result = record(part)['functionResponse'];
      if (isRecord(call)) open.push(call);
      if (!isRecord(result)) return part;
      const at = open.findIndex((one) =>
        result['id'] === undefined ? one['name'] === result['name'] : one['id'] === result['id'],
      );
      const [answered] = at === -1 ? [] : open.splice(at, 1);
      if (result['id'] !== undefined || answered?.['id'] === undefined) return part;
      note('id of the call added to its result');
      return { ...record(part), functionResponse: { ...result, id: answered['id'] } };
    }),
  }));
}

function normalPart(part: JsonRecord, note: Note): JsonRecord {
  const { thought, ...rest } = part;
  if (thought === false) note('thought: false');
  const call = rest['functionCall'];
  if (isRecord(call) && call['args'] === undefined) {
    note('call without args');
    return { ...rest, functionCall: { ...call, args: {} } };
  }
  if (thought === true && rest['text'] === undefined) {
    note('thought without text');
    return { text: '', thought, ...rest };
  }
  return thought === true ? part : rest;
}

function normalSystem(system: Json, note: Note): Json {
  if (!isRecord(system)) return system;
  if (system['role'] !== undefined) note('role of the system instruction');
  return list(system['parts'], note).map((part) => normalPart(record(part), note));
}

function normalTools(tools: readonly JsonRecord[], note: Note): JsonRecord {
  const functions: JsonRecord[] = [];
  const others: JsonRecord[] = [];
  for (const tool of tools) {
    const { functionDeclarations, ...rest } = tool;
    for (const declaration of list(functionDeclarations, note))
      functions.push(normalFunction(record(declaration), note));
    for (const [name, value] of Object.entries(rest)) others.push({ [name]: value });
  }
  if (tools.length > 1 && functions.length > 0 && others.length === 0) note('functions in several tool objects');
  return { functions, others };
}

function normalFunction(declaration: JsonRecord, note: Note): JsonRecord {
  const { parameters, parametersJsonSchema, ...rest } = declaration;
  if (parameters !== undefined) note('parameters as parametersJsonSchema');
  const given = parametersJsonSchema ?? parameters;
  return given === undefined
    ? rest
    : { ...rest, schema: schema(given, parametersJsonSchema === undefined ? note : () => undefined) };
}

function normalConfig(config: JsonRecord, note: Note): JsonRecord {
  const { responseSchema, responseJsonSchema, thinkingConfig, ...rest } = config;
  const given = responseJsonSchema ?? responseSchema;
  if (responseSchema !== undefined) note('responseSchema as responseJsonSchema');
  const thinking = record(thinkingConfig);
  const level = thinking['thinkingLevel'];
  if (typeof level === 'string' && level !== level.toUpperCase()) note('thinking level in small letters');
  return {
    ...rest,
    ...(given === undefined ? {} : { schema: schema(given, note) }),
    ...(thinkingConfig === undefined
      ? {}
      : { thinking: typeof level === 'string' ? { ...thinking, thinkingLevel: level.toUpperCase() } : thinking }),
  };
}

function normalToolConfig(config: JsonRecord, note: Note): JsonRecord {
  const calling = record(config['functionCallingConfig']);
  const mode = calling['mode'];
  if (typeof mode !== 'string' || mode === mode.toUpperCase()) return config;
  note('function calling mode in small letters');
  return { ...config, functionCallingConfig: { ...calling, mode: mode.toUpperCase() } };
}

const FINISH_NAMES = ['FINISH_REASON_UNSPECIFIED', 'STOP', 'MAX_TOKENS', 'SAFETY', 'RECITATION', 'OTHER'];

function normalReply(body: JsonRecord, note: Note): JsonRecord {
  const { candidates, createTime, modelVersion, responseId, usageMetadata, ...rest } = body;
  if (modelVersion === undefined) note('model named by us');
  if (responseId === undefined) note('reply id given by us');
  if (typeof createTime === 'string' && !createTime.endsWith('.000Z')) note('fraction of a second of createTime');
  return {
    ...rest,
    usageMetadata: usageMetadata === undefined || isUncounted(usageMetadata, note) ? null : usageMetadata,
    createTime: typeof createTime === 'string' ? createTime.slice(0, 19) : null,
    modelVersion: modelVersion ?? CONTEXT.model,
    responseId: responseId ?? CONTEXT.requestId,
    candidates: list(candidates, note).map((candidate, position) => normalCandidate(record(candidate), position, note)),
  };
}

function isUncounted(usage: Json, note: Note): boolean {
  const counts = Object.keys(record(usage)).filter((name) => name.endsWith('TokenCount') && name !== 'totalTokenCount');
  if (counts.length === 0) note('usage without a count');
  return counts.length === 0;
}

function normalCandidate(candidate: JsonRecord, position: number, note: Note): JsonRecord {
  const { content, finishReason, index, logprobsResult, ...rest } = candidate;
  if (index === undefined) note('index left out');
  if (typeof finishReason === 'number') note('finish reason as number');
  const kept: Record<string, Json> = {};
  for (const [name, value] of Object.entries(rest)) {
    if (isRecord(value) && Object.keys(value).length === 0) note('empty object beside the content');
    else if (value !== undefined) kept[name] = value;
  }
  const parts = list(record(content)['parts'], note).flatMap((part) => {
    if (Object.keys(record(part)).length > 0) return [normalPart(record(part), note)];
    note('empty part');
    return [];
  });
  return {
    ...kept,
    parts,
    index: index ?? position,
    finishReason:
      typeof finishReason === 'number' ? (FINISH_NAMES[finishReason] ?? finishReason) : (finishReason ?? null),
    logprobs: logprobsResult === undefined ? null : normalLogprobs(record(logprobsResult), note),
  };
}

function normalLogprobs(result: JsonRecord, note: Note): JsonRecord {
  const token = (raw: Json): Json => {
    const { tokenId, ...rest } = record(raw);
    if (tokenId !== undefined) note('token number of a log probability');
    return rest;
  };
  const chosen = list(result['chosenCandidates'], note);
  const tops = list(result['topCandidates'], note).map((top) => list(record(top)['candidates'], note).map(token));
  if (tops.length === 0) note('no alternatives beside chosen tokens');
  return { chosen: chosen.map(token), tops: chosen.map((_, at) => tops[at] ?? []) };
}

// ---- requests ----

describe('gemini: recorded requests', { skip }, () => {
  const requests = exchanges.filter((one) => isRecord(one.request));

  it('accepts every request that Google accepted', () => {
    const taken = requests.filter((one) => one.status < 300);
    for (const one of taken) {
      const seen = gemini.inspect(record(one.request), pathOf(one));
      assert.ok(seen.ok, `${one.id}: ${seen.ok ? '' : JSON.stringify(seen.error)}`);
      assert.ok(seen.value.textLength > 0, one.id);
    }
    console.log(`inspect: ${taken.length} accepted requests pass`);
    assert.equal(taken.length, 381);
  });

  it('accepts the requests of real clients', () => {
    const clients = join(corpusDir() ?? '', 'clients');
    let count = 0;
    for (const folder of ['google-genai', 'google-gemini-cli', 'ai-sdk-google']) {
      for (const file of readdirSync(join(clients, folder))) {
        const request = record(record(parseJson(readFileSync(join(clients, folder, file), 'utf8')))['request']);
        const path = { model: 'gemini-2.5-flash', isStreaming: text(request['path']).includes('stream') };
        const body = record(request['body']);
        const decoded = gemini.decodeRequest(body, path);
        assert.ok(decoded.ok, file);
        const differences = tally();
        const again = gemini.encodeRequest(decoded.value, { model: 'gemini-2.5-flash' }).body;
        assert.deepEqual(normalRequest(again, differences.add), normalRequest(body, differences.add), file);
        count += 1;
      }
    }
    console.log(`clients: ${count} requests accepted and written back the same`);
    assert.equal(count, 19);
  });

  it('gives a request back after the way through chat, and lists every difference', () => {
    const differences = tally();
    let count = 0;
    for (const one of requests) {
      const body = record(one.request);
      const decoded = gemini.decodeRequest(body, pathOf(one));
      if (!decoded.ok) {
        assert.ok(one.status >= 400, one.id);
        differences.add('refused by Google and by us');
        continue;
      }
      const again = gemini.encodeRequest(decoded.value, { model: pathOf(one).model });
      assert.deepEqual(again.losses, [], one.id);
      const written = tally();
      assert.deepEqual(normalRequest(again.body, written.add), normalRequest(unwrapped(body), differences.add), one.id);
      // What we write needs none of this, but for the propertyOrdering and types inside a caller's own JSON Schema.
      assert.deepEqual(
        [...written.counts.keys()].filter((kind) => kind !== 'null in a schema'),
        [],
        one.id,
      );
      count += 1;
    }
    print(`requests: ${count} come back the same; differences of writing`, differences.counts);
    assert.equal(count, 396);
  });

  it('reads and writes the requests that other projects translated to Google', () => {
    const dir = join(corpusDir() ?? '', 'providers', 'translations');
    const differences = tally();
    let count = 0;
    for (const file of readdirSync(dir)) {
      const pair = record(parseJson(readFileSync(join(dir, file), 'utf8')));
      const body =
        pair['from'] === 'google'
          ? pair['source_request']
          : pair['to'] === 'google'
            ? pair['peer_translated_request']
            : undefined;
      if (!isRecord(body)) continue;
      const model = text(body['model']) || 'gemini-3.5-flash';
      const decoded = gemini.decodeRequest(body, { model, isStreaming: false });
      assert.ok(decoded.ok, file);
      const again = gemini.encodeRequest(decoded.value, { model }).body;
      const { thinkingConfig: _, ...config } = record(body['generationConfig']);
      const { thinkingConfig: __, ...configAgain } = record(again['generationConfig']);
      assert.deepEqual(
        normalRequest({ ...again, generationConfig: configAgain }, differences.add),
        normalRequest({ ...body, generationConfig: config }, differences.add),
        file,
      );
      count += 1;
    }
    print(`translations: ${count} requests come back the same; differences of writing`, differences.counts);
    assert.equal(count, 155);
  });
});

function unwrapped(body: JsonRecord): JsonRecord {
  return isRecord(body['generateContentRequest']) ? body['generateContentRequest'] : body;
}

// ---- replies ----

describe('gemini: recorded replies', { skip }, () => {
  it('gives a reply back after the way through chat, and lists every difference', () => {
    const differences = tally();
    for (const one of replies) {
      const body = record(one.response);
      const decoded = gemini.decodeResponse(body, one.provider);
      assert.ok(decoded.ok, `${one.id}: ${decoded.ok ? '' : JSON.stringify(decoded.error)}`);
      const again = gemini.encodeResponse(decoded.value, CONTEXT);
      assert.deepEqual(again.losses, [], one.id);
      assert.deepEqual(
        normalReply(again.body, () => undefined),
        normalReply(body, differences.add),
        one.id,
      );
    }
    print(`replies: ${replies.length} come back the same; differences of writing`, differences.counts);
    assert.equal(replies.length, 279);
  });

  it('counts what Google counts: input and output make the total', () => {
    let count = 0;
    for (const one of accepted) {
      for (const usage of one.stream === undefined
        ? [record(record(one.response)['usageMetadata'])]
        : usagesOf(one.stream)) {
        const total = usage['totalTokenCount'];
        if (typeof total !== 'number') continue;
        const read = decodeUsage(usage);
        assert.equal((read?.inputTokens ?? 0) + (read?.outputTokens ?? 0), total, one.id);
        assert.ok((read?.cachedInputTokens ?? 0) <= (read?.inputTokens ?? 0), one.id);
        count += 1;
      }
    }
    console.log(`usage: ${count} totals agree`);
    assert.equal(count, 559);
  });

  it('cites the very text that Google names, where it names it', () => {
    let count = 0;
    for (const one of accepted) {
      const response = one.stream === undefined ? gemini.decodeResponse(record(one.response), one.provider) : undefined;
      const whole =
        response === undefined ? collect(decodeAll(one), 'gemini') : response.ok ? response.value : undefined;
      for (const part of whole?.choices.flatMap((choice) => choice.parts) ?? []) {
        for (const citation of (part.kind === 'text' ? part.citations : undefined) ?? []) {
          if (part.kind !== 'text' || citation.citedText === undefined || citation.start === undefined) continue;
          assert.equal(part.text.slice(citation.start, citation.end), citation.citedText, one.id);
          count += 1;
        }
      }
    }
    console.log(`citations: ${count} stand where they should`);
    assert.equal(count, 138);
  });

  it('reads the replies that Google gave to translated requests', () => {
    const dir = join(corpusDir() ?? '', 'providers', 'translations');
    let count = 0;
    for (const file of readdirSync(dir).filter((name) => name.includes('--google--'))) {
      const reply = record(parseJson(readFileSync(join(dir, file), 'utf8')))['target_response'];
      if (!isRecord(reply)) continue;
      const decoded = gemini.decodeResponse(reply, 'gemini');
      assert.ok(decoded.ok, file);
      assert.deepEqual(
        normalReply(gemini.encodeResponse(decoded.value, CONTEXT).body, () => undefined),
        normalReply(reply, () => undefined),
        file,
      );
      count += 1;
    }
    console.log(`translations: ${count} replies come back the same`);
    assert.equal(count, 86);
  });

  it('answers a request for the number of tokens as Google does', () => {
    const counts = exchanges.filter((one) => one.operation === 'count-tokens' && one.status < 300);
    assert.equal(counts.length, 8);
    for (const one of counts) assert.equal(typeof record(one.response)['totalTokens'], 'number', one.id);
    assert.deepEqual(gemini.countTokensResponse(31), { totalTokens: 31 });
    for (const one of counts)
      if (isRecord(one.request))
        assert.ok(gemini.inspect(one.request, { ...pathOf(one), operation: 'count-tokens' }).ok, one.id);
  });
});

// ---- streams ----

function decodeAll(one: Exchange): readonly ChatEvent[] {
  return decode(Buffer.from(one.stream ?? ''), []);
}

/** Events of `bytes` handed over in pieces that end at `cuts`. */
function decode(bytes: Buffer, cuts: readonly number[]): readonly ChatEvent[] {
  const decoder = gemini.decoder('gemini');
  const events: ChatEvent[] = [];
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    events.push(...decoder.push(bytes.subarray(from, to)));
    from = to;
  }
  events.push(...decoder.end());
  return events;
}

function usagesOf(stream: string): readonly JsonRecord[] {
  return pieces(stream).map((piece) => record(piece['usageMetadata']));
}

/** The JSON pieces of a stream, read apart from the code under test. */
function pieces(stream: string): readonly JsonRecord[] {
  const whole = parseJson(stream);
  if (isArray(whole)) return whole.filter(isRecord);
  return stream.split(/\r?\n/).flatMap((line) => {
    const piece = line.startsWith('data:') ? parseJson(line.slice(5)) : undefined;
    return isRecord(piece) ? [piece] : [];
  });
}

function faultOf(events: readonly ChatEvent[]): string | undefined {
  const last = events.at(-1);
  return last?.type === 'error' ? last.fault.code : undefined;
}

describe('gemini: recorded streams', { skip }, () => {
  it('reads every stream to its end', () => {
    const kinds = tally();
    for (const one of streams) {
      const events = decodeAll(one);
      assert.equal(faultOf(events), undefined, one.id);
      assert.ok(
        events.some((event) => event.type === 'finish'),
        one.id,
      );
      kinds.add(one.stream?.startsWith('[') === true ? 'JSON array' : 'SSE');
    }
    print(`streams: ${streams.length} complete`, kinds.counts);
    assert.equal(streams.length, 120);
  });

  it('reads the same text, calls and counts that stand in the pieces', () => {
    for (const one of streams) {
      const response = collect(decodeAll(one), 'gemini');
      const parts = pieces(one.stream ?? '').flatMap((piece) =>
        list(piece['candidates'], () => undefined).flatMap((candidate) =>
          list(record(record(candidate)['content'])['parts'], () => undefined).map(record),
        ),
      );
      const words = parts.filter((part) => part['thought'] !== true).map((part) => text(part['text']));
      const thoughts = parts.filter((part) => part['thought'] === true).map((part) => text(part['text']));
      const calls = parts.filter((part) => record(part['functionCall'])['name'] !== undefined).length;
      const read = response.choices.flatMap((choice) => choice.parts);
      assert.equal(read.map((part) => (part.kind === 'text' ? part.text : '')).join(''), words.join(''), one.id);
      assert.equal(
        read.map((part) => (part.kind === 'reasoning' ? part.text : '')).join(''),
        thoughts.join(''),
        one.id,
      );
      assert.equal(read.filter((part) => part.kind === 'tool-call').length, calls, one.id);
    }
  });

  it('reads the same events wherever the network cuts the bytes', () => {
    const random = dice(4711);
    for (const one of streams) {
      const bytes = Buffer.from(one.stream ?? '');
      const expected = decode(bytes, []);
      for (let round = 0; round < 3; round += 1) {
        const cuts = Array.from({ length: 40 }, () => Math.floor(random() * bytes.length)).toSorted((a, b) => a - b);
        assert.ok(isDeepStrictEqual(decode(bytes, cuts), expected), one.id);
      }
      if (bytes.length < 4000)
        assert.deepEqual(
          decode(
            bytes,
            Array.from({ length: bytes.length }, (_, at) => at),
          ),
          expected,
          one.id,
        );
    }
  });

  it('ends a stream that was cut with the events so far and an honest error', () => {
    const random = dice(815);
    let cutCount = 0;
    let completeCount = 0;
    for (const one of streams) {
      const whole = one.stream ?? '';
      const bytes = Buffer.from(whole);
      const expected = decode(bytes, []);
      const edges = [...whole.matchAll(/\r?\n\r?\n|\n\},?/g)].map((found) =>
        Buffer.byteLength(whole.slice(0, found.index + found[0].length)),
      );
      const cuts = [0, ...edges, ...Array.from({ length: 50 }, () => Math.floor(random() * bytes.length))];
      for (const cut of cuts) {
        const events = decode(bytes.subarray(0, cut), []);
        const isError = faultOf(events) === 'upstream-cut';
        const soFar = isError ? events.slice(0, -1) : events;
        if (isError) cutCount += 1;
        else {
          completeCount += 1;
          assert.match(
            bytes.toString('utf8', 0, cut),
            /"(?:finishReason|blockReason)"/,
            `${one.id} at ${cut} has no finish`,
          );
        }
        assert.ok(isPrefix(soFar, expected), `${one.id} cut at ${cut}`);
      }
    }
    console.log(`cuts: ${cutCount} end in upstream-cut, ${completeCount} came after the finish`);
    assert.ok(cutCount > 5000);
  });

  it('writes a stream that means the same when it is read again, as events and as an array', () => {
    const differences = tally();
    for (const one of streams) {
      const events = decodeAll(one);
      const whole = collect(events, 'gemini');
      const hasRaw = agrees(whole.usage);
      if (!hasRaw) differences.add('usage whose last piece contradicts an earlier one');
      const expected = comparable(whole, hasRaw, differences.add);
      for (const isJsonArray of [false, true]) {
        const encoder = gemini.encoder({ ...CONTEXT, isJsonArray });
        const written = events.map((event) => encoder.push(event)).join('') + encoder.end();
        if (isJsonArray) assert.ok(isArray(parseJson(written)), one.id);
        const again = decode(Buffer.from(written), []);
        assert.equal(faultOf(again), undefined, one.id);
        assert.deepEqual(
          comparable(collect(again, 'gemini'), hasRaw, () => undefined),
          expected,
          one.id,
        );
        assert.deepEqual(
          encoder.losses().map((loss) => `${loss.code} ${loss.field}`),
          [],
          one.id,
        );
      }
    }
    print(`streams: ${streams.length} come back the same in both forms; differences of writing`, differences.counts);
  });

  it('taps the same content, finish and usage that the decoder reads', () => {
    let marks = 0;
    for (const one of streams.filter((stream) => !(stream.stream ?? '').startsWith('['))) {
      const splitter = sseSplitter();
      const bytes = Buffer.from(one.stream ?? '');
      const tap = gemini.tap('gemini');
      const decoder = gemini.decoder('gemini');
      let tapped: Usage | undefined;
      let decoded: Usage | undefined;
      let isFinished = false;
      for (const event of [...splitter.push(bytes), ...splitter.end()]) {
        const mark = tap.see(event.name, event.data);
        const events = decoder.push(Buffer.concat([Buffer.from('data: '), event.data, Buffer.from('\n\n')]));
        marks += 1;
        assert.equal(
          mark.hasContent === true,
          events.some(isContent),
          `${one.id}: ${event.data.toString('utf8', 0, 200)}`,
        );
        for (const each of events) if (each.type === 'usage') decoded = mergeUsage(decoded, each.usage);
        if (mark.usage !== undefined) tapped = mergeUsage(tapped, mark.usage);
        if (mark.isFinished === true) isFinished = true;
      }
      const ending = decoder.end();
      assert.equal(isFinished, faultOf(ending) === undefined, one.id);
      assert.deepEqual(tapped, decoded, one.id);
    }
    console.log(`tap: ${marks} events agree`);
    assert.equal(marks, 307);
  });

  it('sees an error inside a stream in the tap as in the decoder', () => {
    const data = '{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}';
    const mark = gemini.tap('gemini').see('', Buffer.from(data));
    const events = decode(Buffer.from(`data: ${data}\n\n`), []);
    assert.equal(mark.fault?.code, 'upstream-overloaded');
    assert.deepEqual(events, [{ type: 'error', fault: mark.fault }]);
    assert.deepEqual(decode(Buffer.from(`[${data}]`), []), events);
  });
});

function isPrefix(events: readonly ChatEvent[], of: readonly ChatEvent[]): boolean {
  if (isDeepStrictEqual(events, of.slice(0, events.length))) return true;
  // A finish that waits for the end of the stream comes at the cut already.
  const without = events.filter((event, at) => event.type !== 'finish' || isDeepStrictEqual(event, of[at]));
  return events.at(-1)?.type === 'finish' && isDeepStrictEqual(without, of.slice(0, without.length));
}

function isContent(event: ChatEvent): boolean {
  return ['text-delta', 'reasoning-delta', 'tool-call-start', 'media', 'opaque'].includes(event.type);
}

/** A collected stream without what a second writing changes. */
function comparable(response: ChatResponse, hasRaw: boolean, note: Note): ChatResponse {
  if (response.id === undefined) note('reply id given by us');
  if (response.model === undefined) note('model named by us');
  const { usage, ...rest } = response;
  const { raw: _, ...counts } = usage ?? {};
  return {
    ...rest,
    choices: rest.choices.map((choice) => ({
      ...choice,
      parts: choice.parts.map((part) => (part.kind === 'tool-call' ? { ...part, id: sameId(part.id, note) } : part)),
    })),
    ...(usage === undefined ? {} : { usage: hasRaw ? usage : counts }),
    id: response.id ?? CONTEXT.requestId,
    model: response.model ?? CONTEXT.model,
  };
}

/** Ids that we make hold the reply's id, which a reply without one gets from us. */
function sameId(id: string, note: Note): string {
  const made = /^call_(?:req_1_)?(\d)$/.exec(id)?.[1];
  if (made === undefined) return id;
  note('made-up call id of a reply without an id');
  return made;
}

/** Whether the pieces' usage, laid over each other, still says what the last piece says. */
function agrees(usage: Usage | undefined): boolean {
  const read = decodeUsage(usage?.raw);
  return usage === undefined || (read?.inputTokens === usage.inputTokens && read?.outputTokens === usage.outputTokens);
}

// ---- errors ----

describe('gemini: recorded errors', { skip }, () => {
  const EXPECTED: Readonly<Record<string, string>> = {
    'gemini-27d6b368edbd': 'upstream-refused',
    'gemini-6fc06dfe6b9b': 'upstream-auth',
    'gemini-7aee9a9971aa': 'upstream-auth',
    'gemini-b0bbb934a26f': 'upstream-auth',
    'gemini-0858854cc3ac': 'upstream-rate-limited',
    'gemini-cea99413721d': 'upstream-rate-limited',
    'gemini-constructed-503': 'upstream-overloaded',
    'gemini-constructed-504': 'upstream-timeout',
    'vertex-18042aaafa0a': 'upstream-refused',
    'vertex-37fc8f8654d6': 'upstream-error',
    'vertex-7e70112070cc': 'upstream-refused',
    'vertex-80e162004f2b': 'upstream-auth',
    'vertex-a2583be78700': 'upstream-auth',
    'vertex-ba23ac8cded4': 'upstream-refused',
    'vertex-d06922109105': 'upstream-refused',
    'vertex-e19ec4378762': 'upstream-refused',
  };

  it('classifies every one', () => {
    const codes = tally();
    const errors = exchanges.filter((one) => one.status >= 400);
    for (const one of errors) {
      const body = typeof one.response === 'string' ? one.response : JSON.stringify(one.response);
      for (const form of [body, `[${body}]`]) {
        const found = gemini.decodeError({
          status: one.status,
          headers: one.headers,
          body: form,
          provider: 'google',
          model: one.model ?? '',
          nowMs: 0,
        });
        assert.equal(
          found.code,
          EXPECTED[one.id] ?? (one.status === 404 ? 'upstream-not-found' : 'no expectation'),
          one.id,
        );
        assert.equal(found.upstreamStatus, one.status);
        if (form === body) codes.add(found.code);
      }
    }
    print(`errors: ${errors.length} classified`, codes.counts);
    assert.equal(errors.length, 23);
  });

  it('takes the wait that Google asks for, and no secret', () => {
    const limited = exchanges.find((one) => one.id === 'gemini-0858854cc3ac');
    const body = JSON.stringify(limited?.response).replace(
      'You exceeded',
      'Key AIzaSyA1234567890abcdefghijklmnopqrstuvw: you exceeded',
    );
    const found = gemini.decodeError({ status: 429, headers: {}, body, provider: 'google', model: 'm', nowMs: 0 });
    assert.equal(found.retryAfterMs, 48_000);
    assert.doesNotMatch(found.message, /AIza/);
    assert.equal(found.upstreamCode, 'RESOURCE_EXHAUSTED');
  });
});

// ---- broken shapes ----

const JUNK: readonly Json[] = [null, 1, -1, 1e17, true, '', 'x', [], {}, [null], { x: 1 }, ['x'], { parts: 3 }];

/** A copy of `value` in which one place, found by chance, holds something else. */
function broken(value: Json, random: () => number): Json {
  const keys = isArray(value) ? [...value.keys()].map(String) : isRecord(value) ? Object.keys(value) : [];
  const key = keys[Math.floor(random() * keys.length)];
  if (key === undefined || random() < 0.1) return JUNK[Math.floor(random() * JUNK.length)] ?? null;
  if (isArray(value)) return value.map((item, at) => (String(at) === key ? broken(item, random) : item));
  return isRecord(value) ? { ...value, [key]: broken(value[key] ?? null, random) } : value;
}

describe('gemini: broken shapes', { skip }, () => {
  it('answers a request with one piece broken, and never throws', () => {
    const random = dice(99);
    const counts = tally();
    for (const one of exchanges) {
      for (let round = 0; round < 20 && isRecord(one.request); round += 1) {
        const body = record(broken(one.request, random));
        const decoded = gemini.decodeRequest(body, pathOf(one));
        counts.add(decoded.ok ? 'taken' : 'refused');
        if (decoded.ok) JSON.stringify(gemini.encodeRequest(decoded.value, { model: 'gemini-3.5-flash' }));
        else
          assert.ok(
            decoded.error.param !== undefined && decoded.error.code.startsWith('field-'),
            JSON.stringify(decoded.error),
          );
      }
    }
    print('broken requests', counts.counts);
    assert.ok((counts.counts.get('refused') ?? 0) > 1000);
  });

  it('reads replies and streams with one piece broken, and never throws', () => {
    const random = dice(77);
    const counts = tally();
    for (const one of replies) {
      for (let round = 0; round < 20; round += 1) {
        const body = record(broken(record(one.response), random));
        const decoded = gemini.decodeResponse(body, 'gemini');
        counts.add(decoded.ok ? 'read' : decoded.error.code);
        if (decoded.ok) JSON.stringify(gemini.encodeResponse(decoded.value, CONTEXT));
        const glanced = gemini.glance(body, 'gemini');
        const usage = glanced.ok ? glanced.value.usage : undefined;
        for (const value of [usage?.inputTokens, usage?.outputTokens])
          assert.ok(value === undefined || Number.isSafeInteger(value));
      }
    }
    for (const one of streams) {
      for (let round = 0; round < 5; round += 1) {
        const lines = pieces(one.stream ?? '').map((piece) =>
          JSON.stringify(random() < 0.3 ? broken(piece, random) : piece),
        );
        const events = decode(Buffer.from(lines.map((line) => `data: ${line}\n\n`).join('')), []);
        const encoder = gemini.encoder(CONTEXT);
        for (const event of events) encoder.push(event);
        encoder.end();
        const tap = gemini.tap('gemini');
        const marks = lines.map((line) => tap.see('', Buffer.from(line)));
        if (marks.some((mark) => mark.isFinished === true)) counts.add('streams with a finish');
        counts.add(faultOf(events) ?? 'streams read');
      }
    }
    print('broken replies', counts.counts);
  });
});

// ---- Google's own SDK reads what we write ----

const FOREIGN: ChatResponse = {
  origin: 'anthropic-messages',
  id: 'msg_1',
  model: 'claude-test',
  createdAt: 1_790_000_000,
  choices: [
    {
      index: 0,
      parts: [
        { kind: 'reasoning', text: 'Let me see.', signature: { origin: 'anthropic-messages', value: 'sig+/==' } },
        { kind: 'reasoning', text: '', encrypted: { origin: 'anthropic-messages', value: 'sealed' } },
        {
          kind: 'text',
          text: 'Grüße aus Oslo.',
          citations: [
            { origin: 'anthropic-messages', url: 'https://oslo.example', title: 'Oslo', start: 10, end: 14, raw: {} },
          ],
        },
        { kind: 'tool-call', id: 'toolu_1', name: 'get_weather', arguments: '{"city":"Oslo"}' },
        { kind: 'tool-call', id: 'toolu_2', name: 'get_time', arguments: '' },
      ],
      finish: { reason: 'tool-calls', raw: 'tool_use' },
    },
  ],
  usage: { inputTokens: 20, cachedInputTokens: 8, outputTokens: 12, reasoningTokens: 5 },
};

describe('gemini: @google/genai reads what we write', () => {
  let next: { readonly status: number; readonly type: string; readonly body: string } = {
    status: 200,
    type: '',
    body: '',
  };
  const seen: { readonly path: string; readonly body: Json | undefined; readonly key: unknown }[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      seen.push({
        path: request.url ?? '',
        body: parseJson(Buffer.concat(chunks).toString('utf8')),
        key: request.headers['x-goog-api-key'],
      });
      response.writeHead(next.status, { 'content-type': next.type });
      response.end(next.body);
    });
  });
  let ai = new GoogleGenAI({ apiKey: 'none' });

  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = address === null || typeof address === 'string' ? 0 : address.port;
    ai = new GoogleGenAI({
      apiKey: 'tk_test',
      httpOptions: { baseUrl: `http://127.0.0.1:${port}`, apiVersion: 'v1beta' },
    });
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });

  function answer(body: JsonRecord, status: number = 200): void {
    next = { status, type: 'application/json', body: JSON.stringify(body) };
  }

  function stream(events: readonly ChatEvent[]): void {
    const encoder = gemini.encoder(CONTEXT);
    next = {
      status: 200,
      type: 'text/event-stream',
      body: events.map((event) => encoder.push(event)).join('') + encoder.end(),
    };
  }

  async function readStream(): Promise<{
    readonly text: string;
    readonly calls: readonly unknown[];
    readonly finish: string | undefined;
    readonly usage: unknown;
    readonly signatures: readonly string[];
  }> {
    const chunks = await ai.models.generateContentStream({ model: 'gemini-2.5-flash', contents: 'Hi' });
    let said = '';
    let finish: string | undefined;
    let usage: unknown;
    const calls: unknown[] = [];
    const signatures: string[] = [];
    for await (const chunk of chunks) {
      for (const part of chunk.candidates?.[0]?.content?.parts ?? []) {
        if (part.text !== undefined && part.thought !== true) said += part.text;
        if (part.functionCall !== undefined) calls.push(part.functionCall);
        if (part.thoughtSignature !== undefined) signatures.push(part.thoughtSignature);
      }
      finish = chunk.candidates?.[0]?.finishReason ?? finish;
      usage = chunk.usageMetadata ?? usage;
    }
    return { text: said, calls, finish, usage, signatures };
  }

  const CALLS = [
    { id: 'toolu_1', name: 'get_weather', args: { city: 'Oslo' } },
    { id: 'toolu_2', name: 'get_time', args: {} },
  ];
  const USAGE = {
    promptTokenCount: 20,
    cachedContentTokenCount: 8,
    candidatesTokenCount: 7,
    thoughtsTokenCount: 5,
    totalTokenCount: 32,
  };

  it('reads a whole reply of another provider, and gives its signatures back in the next request', async () => {
    answer(gemini.encodeResponse(FOREIGN, CONTEXT).body);
    const reply = await ai.models.generateContent({ model: 'gemini-2.5-flash', contents: 'Hi' });
    assert.equal(reply.text, 'Grüße aus Oslo.');
    assert.deepEqual(reply.functionCalls, CALLS);
    assert.equal(reply.candidates?.[0]?.finishReason, 'STOP');
    assert.deepEqual(reply.usageMetadata, USAGE);
    assert.equal(reply.modelVersion, 'claude-test');
    assert.deepEqual(reply.candidates?.[0]?.groundingMetadata?.groundingSupports?.[0]?.segment, {
      startIndex: 12,
      endIndex: 16,
      text: 'Oslo',
    });
    const content = reply.candidates?.[0]?.content;
    assert.ok(content !== undefined);
    await ai.models.generateContent({
      model: 'gemini-2.5-flash',
      contents: ['Hi', content].map((item) =>
        typeof item === 'string' ? { role: 'user', parts: [{ text: item }] } : item,
      ),
    });
    const decoded = gemini.decodeRequest(record(seen.at(-1)?.body), { model: 'gemini-2.5-flash', isStreaming: false });
    assert.ok(decoded.ok);
    const [thought, sealed] = decoded.value.messages[1]?.parts ?? [];
    assert.deepEqual(thought?.kind === 'reasoning' && thought.signature, {
      origin: 'anthropic-messages',
      value: 'sig+/==',
    });
    assert.deepEqual(sealed?.kind === 'reasoning' && sealed.encrypted, {
      origin: 'anthropic-messages',
      value: 'sealed',
    });
    assert.equal(seen.at(-1)?.key, 'tk_test');
  });

  it('reads a stream whose calls came in pieces', async () => {
    stream([
      { type: 'start', id: 'chatcmpl-1', model: 'gpt-test' },
      { type: 'text-delta', choice: 0, text: 'Grüße ' },
      { type: 'text-delta', choice: 0, text: 'aus Oslo.' },
      { type: 'tool-call-start', choice: 0, call: 0, id: 'toolu_1', name: 'get_weather' },
      { type: 'tool-call-delta', choice: 0, call: 0, arguments: '{"ci' },
      { type: 'tool-call-start', choice: 0, call: 1, id: 'toolu_2', name: 'get_time' },
      { type: 'tool-call-delta', choice: 0, call: 0, arguments: 'ty":"Oslo"}' },
      { type: 'finish', choice: 0, finish: { reason: 'tool-calls', raw: 'tool_calls' } },
      { type: 'usage', usage: { inputTokens: 20, cachedInputTokens: 8, outputTokens: 12, reasoningTokens: 5 } },
    ]);
    const read = await readStream();
    assert.equal(read.text, 'Grüße aus Oslo.');
    assert.deepEqual(read.calls, CALLS);
    assert.equal(read.finish, 'STOP');
    assert.deepEqual(read.usage, USAGE);
    assert.match(seen.at(-1)?.path ?? '', /:streamGenerateContent\?alt=sse$/);
  });

  it('raises the error that ends a broken stream', async () => {
    stream([
      { type: 'start' },
      { type: 'text-delta', choice: 0, text: 'Half an ans' },
      { type: 'error', fault: fault('upstream-cut', { provider: 'google' }) },
    ]);
    await assert.rejects(
      readStream(),
      (error: unknown) => error instanceof ApiError && error.status === 502 && /ended the stream/.test(error.message),
    );
    const context = { requestId: 'req_1' };
    next = {
      ...next,
      body: `data: {"candidates":[]}\n\n${gemini.encodeStreamFault(fault('overloaded', { reason: 'memory' }), context)}`,
    };
    await assert.rejects(readStream(), (error: unknown) => error instanceof ApiError && error.status === 503);
  });

  it('raises a fault with its status', async () => {
    answer(
      gemini.encodeFault(fault('model-unknown', { model: 'x', hint: '' }, { param: 'model' }), { requestId: 'req_1' }),
      404,
    );
    await assert.rejects(
      ai.models.generateContent({ model: 'x', contents: 'Hi' }),
      (error: unknown) => error instanceof ApiError && error.status === 404,
    );
  });

  it('reads every recorded reply and stream after we wrote them anew', { skip }, async () => {
    for (const one of replies) {
      const decoded = gemini.decodeResponse(record(one.response), one.provider);
      assert.ok(decoded.ok);
      answer(gemini.encodeResponse(decoded.value, CONTEXT).body);
      const reply = await ai.models.generateContent({ model: 'gemini-2.5-flash', contents: 'Hi' });
      const words =
        decoded.value.choices[0]?.parts.map((part) => (part.kind === 'text' ? part.text : '')).join('') ?? '';
      const read = (reply.candidates?.[0]?.content?.parts ?? [])
        .map((part) => (part.thought === true ? '' : (part.text ?? '')))
        .join('');
      assert.equal(read, words, one.id);
    }
    for (const one of streams) {
      const events = decodeAll(one);
      stream(events);
      const whole = collect(events, 'gemini').choices[0];
      const read = await readStream();
      assert.equal(
        read.text,
        whole?.parts.map((part) => (part.kind === 'text' ? part.text : '')).join('') ?? '',
        one.id,
      );
      assert.equal(read.calls.length, whole?.parts.filter((part) => part.kind === 'tool-call').length ?? 0, one.id);
    }
    console.log(`SDK: ${replies.length} replies and ${streams.length} streams read`);
  });
});
