/**
 * The dialect `openai-chat` against every recording of its wire and every recorded client of it.
 * What a round trip changes is listed below, rule by rule: each is applied to both sides before they are compared, and
 * one that no recording needs any more fails the suite.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { collect } from '../../src/chat/collect.ts';
import type { Part } from '../../src/chat/part.ts';
import type { ChatEvent, ChatResponse } from '../../src/chat/reply.ts';
import type { Usage } from '../../src/chat/usage.ts';
import { openaiChat } from '../../src/dialects/openai-chat.ts';
import type { PathFacts } from '../../src/dialects/dialect.ts';
import { asArray, asRecord, isArray, isRecord, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { odd } from '../../src/providers/index.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { sseSplitter } from '../../src/lib/sse.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { textOf as text, REQUEST_DIFFERENCES, RESPONSE_DIFFERENCES } from './openai-chat-differences.ts';
import {
  assertRepliesComeBack,
  assertRequestsComeBack,
  assertSameInSmallPieces,
  assertTappedWhenCut,
  checkUsage,
  clientRequests,
  CONTEXT,
  decodeAll,
} from './suite.ts';

const SUITE = 'openai-chat';
const SEED = 20_261_122;

interface Exchange {
  readonly id: string;
  readonly provider: string;
  readonly status: number;
  readonly path: PathFacts;
  readonly request: JsonRecord | undefined;
  readonly headers: JsonRecord;
  readonly body: JsonRecord | undefined;
  readonly bytes: Buffer | undefined;
}

const exchanges: readonly Exchange[] = loadExchanges();
const accepted = exchanges.filter((exchange) => exchange.status < 300);
const wholes = accepted.flatMap(({ body, ...exchange }) => (body === undefined ? [] : [{ ...exchange, body }]));
const streams = accepted.flatMap(({ bytes, ...exchange }) => (bytes === undefined ? [] : [{ ...exchange, bytes }]));
const failures = exchanges.filter((exchange) => exchange.status >= 400);

function loadExchanges(): readonly Exchange[] {
  const dir = corpusDir();
  if (dir === undefined) return [];
  const index = asArray(parseJson(readFileSync(join(dir, 'providers', 'index.json'), 'utf8'))) ?? [];
  return index.filter(isRecord).flatMap((entry) => {
    if (entry['wire'] !== SUITE) return [];
    const file = asRecord(parseJson(readFileSync(join(dir, 'providers', text(entry['file'])), 'utf8'))) ?? {};
    return [readExchange(text(entry['id']), text(entry['provider']), file)];
  });
}

function readExchange(id: string, provider: string, file: JsonRecord): Exchange {
  const request = asRecord(file['request']);
  const response = asRecord(file['response']) ?? {};
  const body = asRecord(request?.['body']);
  const raw = body?.['$text'];
  const deployment = /\/deployments\/([^/]+)\//.exec(text(request?.['url']))?.[1];
  const reply = response['body'];
  return {
    id,
    provider,
    status: Number(response['status']),
    path: deployment === undefined ? {} : { model: deployment },
    request: typeof raw === 'string' ? asRecord(parseJson(raw)) : body,
    headers: asRecord(response['headers']) ?? {},
    body: asRecord(reply),
    bytes: wireOf(asRecord(response['stream'])),
  };
}

function wireOf(stream: JsonRecord | undefined): Buffer | undefined {
  if (stream === undefined) return undefined;
  const { data } = stream;
  if (typeof data === 'string') return Buffer.from(data);
  return Buffer.from((asArray(data) ?? []).map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''));
}

describe('openai-chat requests', { skip: corpusSkip(SUITE) }, () => {
  const asked = accepted.filter((exchange) => exchange.request !== undefined);

  it('takes every request that a provider answered', () => {
    const refused = asked.flatMap(({ id, request, path }) => {
      const inspected = openaiChat.inspect(request ?? {}, path);
      return inspected.ok ? [] : [`${id}: ${inspected.error.message}`];
    });
    console.log(`inspect: ${asked.length} accepted requests, ${refused.length} refused by us`);
    assert.deepEqual(refused, []);
  });

  it('takes every request of a recorded client', () => {
    const bodies = clientRequests(SUITE);
    const refused = bodies.flatMap(([file, body]) => {
      const inspected = openaiChat.inspect(body, {});
      return inspected.ok ? [] : [`${file}: ${inspected.error.message}`];
    });
    console.log(`inspect: ${bodies.length} client requests, ${refused.length} refused by us`);
    assert.ok(bodies.length > 50);
    assert.deepEqual(refused, []);
  });

  it('leaves requests as they are for the provider that answered them', () => {
    const known: Readonly<Record<string, Provider | undefined>> = { ...odd, 'vercel-gateway': odd.vercel };
    const changed = asked.filter(({ provider, request }) => known[provider]?.needsAmend?.(request ?? {}) === true);
    // The three hold Anthropic's cache mark beside OpenAI's own, and only the latter is sent.
    assert.deepEqual(
      changed.map(({ id }) => id),
      ['openai-b6cb18b8b62b', 'openai-bc7d0cdac027', 'openai-e156b47fadf8'],
    );
  });

  it('gives every request back with the same meaning', () => {
    const bodies = [
      ...asked.map(({ id, request = {}, path }) => ({ id, body: request, path, expected: { ...path, ...request } })),
      ...clientRequests(SUITE).map(([id, body]) => ({ id, body })),
    ];
    assertRequestsComeBack(openaiChat, bodies, { rules: REQUEST_DIFFERENCES });
  });
});

describe('openai-chat replies', { skip: corpusSkip(SUITE) }, () => {
  it('gives every reply back with the same meaning', () => {
    assertRepliesComeBack(openaiChat, wholes, { rules: RESPONSE_DIFFERENCES });
  });

  it('loses no text, call or token', () => {
    let calls = 0;
    for (const { id, provider, body } of wholes) {
      const decoded = openaiChat.decodeResponse(body, provider);
      assert.ok(decoded.ok, id);
      for (const [position, choice] of (asArray(body['choices']) ?? []).filter(isRecord).entries()) {
        const message = asRecord(choice['message']) ?? {};
        const read: readonly Part[] = decoded.value.choices[position]?.parts ?? [];
        if (typeof message['content'] === 'string') assert.equal(textOf(read), message['content'], id);
        const asked = (asArray(message['tool_calls']) ?? []).filter(isRecord);
        calls += asked.length;
        assert.equal(
          read.filter((part) => part.kind === 'tool-call' || part.kind === 'opaque').length >= asked.length,
          true,
          id,
        );
      }
      checkUsage(decoded.value.usage, asRecord(body['usage']), { output: 'completion_tokens', id });
    }
    console.log(`replies: ${wholes.length} whole, ${calls} tool calls`);
  });
});

function textOf(parts: readonly Part[]): string {
  return parts.map((part) => (part.kind === 'text' ? part.text : '')).join('');
}

const isError = (event: ChatEvent | undefined): boolean => event?.type === 'error';
/** Recorded streams that ended in an error of the provider's. */
const BROKEN = new Map([
  ['groq-8af48449f11e', 'upstream-refused'],
  ['openai-constructed-midstream', 'upstream-error'],
]);

/** Ends the reply after each of its calls. */
const REOPENED: ReadonlySet<string> = new Set(['together-b36a0c5d984f']);

describe('openai-chat streams', { skip: corpusSkip(SUITE) }, () => {
  it('reads every stream to its honest end', () => {
    for (const { id, bytes } of streams) {
      const events = decodeAll(openaiChat, bytes);
      const last = events.at(-1);
      assert.equal(last?.type === 'error' ? last.fault.code : undefined, BROKEN.get(id), id);
      assert.equal(events[0]?.type, 'start', id);
      assert.equal(events.filter(isError).length, BROKEN.has(id) ? 1 : 0, id);
    }
    console.log(`streams: ${streams.length}, of which ${BROKEN.size} end in a recorded error`);
  });

  it('reads the same events wherever the network cuts the bytes', () => {
    assertSameInSmallPieces(openaiChat, streams, SEED);
  });

  it('gives a prefix of the events and an honest error wherever a stream is cut off', () => {
    const cuts = assertTappedWhenCut(openaiChat, streams, { seed: SEED, reopened: REOPENED });
    console.log(`streams: ${cuts} cuts, all honest (seed ${SEED})`);
  });

  it('puts together what the chunks said', () => {
    for (const { id, bytes } of streams) {
      const reply = collect(decodeAll(openaiChat, bytes), SUITE);
      const naive = naiveReply(bytes);
      for (const [index, said] of naive.choices) {
        const choice = reply.choices.find((candidate) => candidate.index === index);
        assert.ok(choice !== undefined, id);
        assert.equal(textOf(choice.parts), said.text, id);
        assert.equal(
          choice.parts.map((part) => (part.kind === 'reasoning' ? part.text : '')).join(''),
          said.reasoning,
          id,
        );
        const calls = choice.parts.flatMap((part) =>
          part.kind === 'tool-call' ? [`${part.name}${part.arguments}`] : [],
        );
        assert.deepEqual(calls, said.calls, id);
        if (said.finish !== undefined) assert.equal(choice.finish.raw, said.finish, id);
      }
      assert.equal(reply.choices.length, naive.choices.size, id);
      if (naive.usage !== undefined) checkUsage(reply.usage, naive.usage, { output: 'completion_tokens', id });
    }
  });

  it('reads back what it writes', () => {
    for (const { id, bytes } of streams) {
      const events = decodeAll(openaiChat, bytes);
      const encoder = openaiChat.encoder(CONTEXT);
      const written = `${events.map((event) => encoder.push(event)).join('')}${encoder.end()}`;
      assert.deepEqual(encoder.losses(), [], id);
      const again = decodeAll(openaiChat, Buffer.from(written));
      assert.deepEqual(comparable(collect(again, SUITE)), comparable(collect(events, SUITE)), id);
      if (!BROKEN.has(id)) assert.ok(written.endsWith('data: [DONE]\n\n'), id);
    }
  });
});

interface Said {
  text: string;
  reasoning: string;
  calls: string[];
  finish?: string;
}

/** The chunks put together as simply as can be: a second opinion. */
function naiveReply(wire: Buffer): {
  readonly choices: ReadonlyMap<number, Said>;
  readonly usage: JsonRecord | undefined;
} {
  const choices = new Map<number, Said>();
  let usage: JsonRecord | undefined;
  for (const line of wire.toString('utf8').split('\n')) {
    const chunk = line.startsWith('data: {') ? asRecord(parseJson(line.slice(6))) : undefined;
    const counted = asRecord(chunk?.['usage']);
    if (typeof counted?.['completion_tokens'] === 'number') usage = counted;
    for (const choice of (asArray(chunk?.['choices']) ?? []).filter(isRecord)) {
      const index = Number(choice['index'] ?? 0);
      const said = choices.get(index) ?? { text: '', reasoning: '', calls: [] };
      choices.set(index, said);
      addDelta(said, asRecord(choice['delta']) ?? {});
      if (typeof choice['finish_reason'] === 'string') said.finish ??= choice['finish_reason'];
    }
  }
  return { choices, usage };
}

function addDelta(said: Said, delta: JsonRecord): void {
  const { content } = delta;
  if (typeof content === 'string') said.text += content;
  for (const part of isArray(content) ? content.filter(isRecord) : []) {
    if (typeof part['text'] === 'string') said.text += part['text'];
    for (const piece of (asArray(part['thinking']) ?? []).filter(isRecord)) said.reasoning += text(piece['text']);
  }
  said.reasoning += text(delta['reasoning_content'] ?? delta['reasoning']);
  for (const call of (asArray(delta['tool_calls']) ?? []).filter(isRecord)) {
    const target = asRecord(call['function']) ?? {};
    const at = typeof call['index'] === 'number' ? call['index'] : said.calls.length;
    said.calls[at] = `${said.calls[at] ?? ''}${text(target['name'])}${text(target['arguments'])}`;
  }
}

/** What a caller reads of a reply. The provider's own usage object and finish word become OpenAI's on the way. */
function comparable(reply: ChatResponse): unknown {
  const { raw: _, ...usage } = reply.usage ?? {};
  const { id = 'chatcmpl-r1', model = 'asked', createdAt = CONTEXT.nowS } = reply;
  return {
    ...reply,
    id,
    model,
    createdAt,
    usage,
    choices: reply.choices.map((choice) => ({ ...choice, finish: choice.finish.reason })),
  };
}

const CONTENT: ReadonlySet<ChatEvent['type']> = new Set<ChatEvent['type']>([
  'text-delta',
  'reasoning-delta',
  'reasoning-encrypted',
  'refusal-delta',
  'tool-call-start',
  'tool-call-delta',
  'citation',
  'media',
  'audio-delta',
  'opaque',
  'signature',
]);

describe('openai-chat taps', { skip: corpusSkip(SUITE) }, () => {
  it('agrees with the decoder on content, finish, usage and errors', () => {
    let events = 0;
    for (const { id, bytes } of streams) {
      const tap = openaiChat.tap('p');
      const decoder = openaiChat.decoder('p');
      const splitter = sseSplitter();
      const tapped = { hasContent: false, usage: undefined as Usage | undefined };
      const decoded = { hasContent: false, usage: undefined as Usage | undefined };
      for (const event of [...splitter.push(bytes), ...splitter.end()]) {
        if (event.isComment) continue;
        events += 1;
        const mark = tap.see(event.name, event.data);
        const steps = decoder.push(event.raw);
        const chunk = asRecord(parseJson(event.data.toString()));
        const choices = (asArray(chunk?.['choices']) ?? []).filter(isRecord);
        tapped.hasContent ||= mark.hasContent === true;
        tapped.usage = mark.usage ?? tapped.usage;
        for (const step of steps) {
          if (step.type === 'usage') decoded.usage = step.usage;
          if (CONTENT.has(step.type)) decoded.hasContent = true;
        }
        // Gemini's signature of a call comes a chunk before the call, and the decoder waits for that.
        if (!event.data.includes('google-gemini-v1'))
          assert.equal(tapped.hasContent, decoded.hasContent, `${id}: content`);
        assert.equal(mark.isLast === true, event.data.toString().trim() === '[DONE]', `${id}: last`);
        assert.deepEqual(tapped.usage, decoded.usage, `${id}: usage`);
        assert.deepEqual(mark.fault, steps.find((step) => step.type === 'error')?.fault, `${id}: fault`);
        const isUsageOnly = asRecord(chunk?.['usage']) !== undefined && choices.length === 0;
        assert.equal(mark.isUsageOnly === true, isUsageOnly, `${id}: usage only`);
      }
    }
    console.log(`taps: ${streams.length} streams, ${events} events agree`);
  });
});

describe('openai-chat errors', { skip: corpusSkip(SUITE) }, () => {
  it('classifies every recorded error', () => {
    const counts: Record<string, number> = {};
    for (const { provider, status, headers, body } of failures) {
      const of = openaiChat.decodeError({
        status,
        headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, text(value)])),
        body: JSON.stringify(body ?? ''),
        provider,
        model: 'm',
        nowMs: 1_700_000_000_000,
      });
      const line = `${provider} ${status}: ${of.code} (${of.upstreamCode ?? '-'})`;
      assert.equal(of.isHearsay, undefined, line);
      counts[line] = (counts[line] ?? 0) + 1;
      assert.doesNotMatch(of.message, /sk-|bad-key|user_REDACTED/, provider);
      assert.ok(of.retryAfterMs === undefined || (of.retryAfterMs >= 0 && of.retryAfterMs <= 60_000), provider);
      const { error } = openaiChat.encodeFault(of, { requestId: 'r1' });
      assert.equal(asRecord(error)?.['message'], of.message);
    }
    console.log(`errors: ${failures.length} classified`);
    assert.deepEqual(counts, EXPECTED_ERRORS);
  });
});

const EXPECTED_ERRORS: Readonly<Record<string, number>> = {
  'azure 404: upstream-not-found (-)': 1,
  'azure 404: upstream-not-found (DeploymentNotFound)': 1,
  'azure 429: upstream-rate-limited (RateLimitReached)': 1,
  'deepseek 400: upstream-refused (invalid_request_error)': 5,
  'doubleword 400: upstream-refused (-)': 1,
  'doubleword 403: upstream-auth (forbidden)': 2,
  'doubleword 404: upstream-not-found (model_not_found)': 1,
  'groq 404: upstream-not-found (model_not_found)': 2,
  'groq 503: upstream-overloaded (internal_server_error)': 1,
  'llamacpp 400: context-length (exceed_context_size_error)': 2,
  'llamacpp 401: upstream-auth (authentication_error)': 1,
  'llamacpp 500: upstream-error (server_error)': 2,
  'mistral 400: upstream-not-found (invalid_model)': 2,
  'mistral 400: upstream-refused (invalid_request_invalid_args)': 2,
  'ollama 401: upstream-auth (api_error)': 1,
  'openai 400: upstream-refused (-)': 1,
  'openai 400: upstream-refused (invalid_image_format)': 1,
  'openai 400: upstream-refused (invalid_image_url)': 1,
  'openai 400: upstream-refused (invalid_value)': 4,
  'openai 400: upstream-refused (missing_required_parameter)': 1,
  'openai 400: upstream-refused (unsupported_value)': 1,
  'openai 401: upstream-auth (invalid_api_key)': 3,
  'openai 404: upstream-not-found (model_not_found)': 4,
  'openai 503: upstream-overloaded (server_error)': 1,
  'openrouter 401: upstream-auth (-)': 2,
  'openrouter 429: upstream-rate-limited (-)': 1,
  'perplexity 401: upstream-auth (invalid_api_key)': 1,
  'venice 404: upstream-not-found (-)': 1,
};
