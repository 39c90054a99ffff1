/**
 * Every recorded exchange of all protocols that are spoken, through a real gateway over real sockets: asked in its own
 * protocol where clients may speak it (bytes must pass) and in the others (translated both ways). Prints the counts.
 */
import assert from 'node:assert/strict';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { collect } from '../../src/chat/collect.ts';
import type { Part } from '../../src/chat/part.ts';
import type { ChatResponse } from '../../src/chat/reply.ts';
import { gateDialects } from '../../src/dialects/index.ts';
import type { Dialect } from '../../src/dialects/dialect.ts';
import { isRecord, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { sseSplitter } from '../../src/lib/sse.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { ROOT_KEY, startGateway, type TestGateway, TOLERANT } from '../harness.ts';
import { NEVER_ASKED } from './accounted.ts';
import { INBOUND, isSpoken, readIndex, readRecording, WIRES, type Recording } from './recordings.ts';

/** Protocols whose reply has one choice. */
const ONE_CHOICE: ReadonlySet<string> = new Set(['anthropic-messages', 'openai-responses', 'cohere']);
const LEFT_OUT = 'left out: ';
/** Failures that are shown in full; the rest is counted. */
const SHOWN_MAX = Number(process.env['SHOWN_MAX'] ?? 12);

interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

interface Seen {
  readonly url: string;
  readonly body: JsonRecord | undefined;
}

const corpus = corpusDir();

describe('replay of all recorded exchanges', { skip: corpusSkip('replay') }, () => {
  let stub: Server;
  let config: string;
  let current: Recording | undefined;
  let seen: Seen | undefined;
  const asked = new Set<string>();
  const recordings =
    corpus === undefined
      ? []
      : readIndex(corpus)
          .filter(isSpoken)
          .map((row) => readRecording(corpus, row))
          .toSorted(restingLast);

  before(async () => {
    stub = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = parseJson(Buffer.concat(chunks).toString('utf8'));
        seen = { url: request.url ?? '', body: isRecord(body) ? body : undefined };
        response.writeHead(current?.status ?? 500, { 'content-type': current?.contentType ?? 'text/plain' });
        response.end(current === undefined ? '' : replyBytes(current));
      });
    });
    await new Promise<void>((resolve) => {
      stub.listen(0, '127.0.0.1', resolve);
    });
    const { port } = stub.address() as AddressInfo;
    config = configFor(recordings, port);
  });

  after(async () => {
    stub.closeAllConnections();
    stub.close();
  });

  for (const inbound of INBOUND) {
    it(`answers each of them to a client of ${inbound.id}`, async () => {
      // A gateway of its own: what one suite's rate limits taught it must not reach the next.
      const gateway: TestGateway = await startGateway({ config });
      const counts: Record<string, number> = {};
      const failures: string[] = [];
      for (const recording of recordings) {
        current = recording;
        seen = undefined;
        const verdict = await replayOne(recording, inbound, gateway.url, () => seen);
        for (const word of verdict.counts) counts[word] = (counts[word] ?? 0) + 1;
        if (!verdict.counts.some((word) => word.startsWith(LEFT_OUT))) asked.add(recording.id);
        if (verdict.failure !== undefined)
          failures.push(
            `${recording.id} (${recording.provider} ${recording.operation} ${recording.kind}): ${verdict.failure}`,
          );
      }
      await gateway.stop();
      process.stdout.write(
        `replay as ${inbound.id}: ${recordings.length} exchanges, ${failures.length} failures ${JSON.stringify(counts)}\n`,
      );
      assert.equal(
        failures.length,
        0,
        `${failures.length} failures, the first:\n${failures.slice(0, SHOWN_MAX).join('\n')}`,
      );
    });
  }

  it('asked each of them for one client at least, but for those that are named', () => {
    const never = recordings.filter(({ id }) => !asked.has(id)).map(({ id }) => id);
    assert.deepEqual(never.toSorted(), Object.keys(NEVER_ASKED).toSorted());
  });
});

/** Answers that make the gateway leave a target alone for a while come last, so that they do not stand in the way of others. */
function restingLast(a: Recording, b: Recording): number {
  return Number(a.status === 429 || a.status === 503) - Number(b.status === 429 || b.status === 503);
}

/** Gemini's stream without `alt=sse` is one JSON array. The gateway always asks for SSE, and would get the elements so. */
function isArrayStream(recording: Recording): boolean {
  return Array.isArray(recording.json) && recording.requestUrl.includes('streamGenerateContent');
}

function replyBytes(recording: Recording): Buffer {
  if (!isArrayStream(recording) || !Array.isArray(recording.json)) return recording.bytes;
  return Buffer.from(recording.json.map((element) => `data: ${JSON.stringify(element)}\r\n\r\n`).join(''));
}

function isStreamed(recording: Recording): boolean {
  return recording.isStream || isArrayStream(recording);
}

/** One provider a recorded provider and wire; those that the catalog knows keep their oddities. */
function configFor(recordings: readonly Recording[], port: number): string {
  const rows = new Map<string, string>();
  for (const recording of recordings) {
    const id = providerId(recording);
    rows.set(
      id,
      `  ${id}: {${likeOf(recording)}, base_url: "http://127.0.0.1:${port}/${id}${baseSuffix(recording)}", api_key: sk-recorded-0000}`,
    );
  }
  // Many recordings have one id, which their authors put there.
  return `attempts: 1\nresponses: {store: none}\n${TOLERANT}\nproviders:\n${[...rows.values()].join('\n')}\n`;
}

function providerId(recording: Recording): string {
  return `${recording.provider}-${recording.wire}`;
}

const LIKE: Readonly<Record<string, string>> = {
  'openai:openai-chat': 'openai',
  'anthropic:anthropic-messages': 'anthropic',
  'gemini:gemini-generate': 'google',
  'mistral:openai-chat': 'mistral',
  'deepseek:openai-chat': 'deepseek',
  'groq:openai-chat': 'groq',
  'xai:openai-chat': 'xai',
  'openrouter:openai-chat': 'openrouter',
  'openai:openai-responses': 'openai',
  'deepseek:openai-responses': 'deepseek',
  'xai:openai-responses': 'xai',
  'openrouter:openai-responses': 'openrouter',
  'perplexity:openai-chat': 'perplexity',
  'cohere:cohere-v2-chat': 'cohere',
  'bedrock:bedrock-converse': 'amazon-bedrock',
};

function likeOf(recording: Recording): string {
  const like = LIKE[`${recording.provider}:${recording.wire}`];
  const dialect = `dialect: ${WIRES[recording.wire] ?? ''}`;
  return like === undefined ? dialect : `like: ${like}, ${dialect}`;
}

function baseSuffix(recording: Recording): string {
  if (WIRES[recording.wire] === 'gemini') return '/v1beta';
  if (WIRES[recording.wire] === 'cohere') return '/v2';
  return WIRES[recording.wire] === 'openai-chat' || WIRES[recording.wire] === 'openai-completions' ? '/v1' : '';
}

interface Verdict {
  readonly counts: readonly string[];
  readonly failure?: string;
}

async function replayOne(
  recording: Recording,
  inbound: Dialect,
  url: string,
  seen: () => Seen | undefined,
): Promise<Verdict> {
  const outbound = dialectOf(recording);
  // A stream of v1 becomes one of v2, which is what clients of this dialect read.
  const isSame = outbound.id === inbound.id && recording.wire !== 'cohere-v1-chat';
  const asked = requestFor(recording, inbound);
  if (typeof asked === 'string') return { counts: [`${LEFT_OUT}${asked}`] };
  const got = await send(url, recording, inbound, asked);
  if (recording.status >= 400) return errorVerdict(recording, got);
  const expected = decoded(outbound, replyBytes(recording), isStreamed(recording), recording.provider);
  if (typeof expected === 'string') {
    const told = got.status >= 400 || endsInError(got.body);
    return told
      ? { counts: ['broken reply told as an error'] }
      : { counts: [], failure: `its reply is ${expected}, but the client got ${got.status}` };
  }
  if (got.status !== 200)
    return { counts: [], failure: `status ${got.status}: ${got.body.toString('utf8').slice(0, 300)}` };
  const request = seen();
  if (request === undefined) return { counts: [], failure: 'nothing reached the provider' };
  return isSame ? sameVerdict(recording, { asked, got, request }) : otherVerdict({ recording, inbound, expected, got });
}

function dialectOf(recording: Recording): Dialect {
  const id = WIRES[recording.wire];
  assert.ok(id);
  return gateDialects[id];
}

function modelOf(recording: Recording): string {
  const fromUrl =
    /\/models\/([^:/?]+)(?::|$)/.exec(recording.requestUrl)?.[1] ??
    decodeURIComponent(/\/model\/([^/]+)\//.exec(recording.requestUrl)?.[1] ?? '');
  const inBody = recording.requestBody?.['model'];
  const named = [inBody, fromUrl, recording.model].find((name) => typeof name === 'string' && name.trim() !== '');
  return typeof named === 'string' ? named : 'recorded-model';
}

/** The body to send in the client's protocol, or why there is none. */
function requestFor(recording: Recording, inbound: Dialect): JsonRecord | string {
  const outbound = dialectOf(recording);
  const plain = minimalRequest(inbound, isStreamed(recording));
  if (recording.requestBody?.['background'] === true) return 'work in the background is not offered';
  if (recording.requestBody === undefined) return plain;
  if (outbound.id === inbound.id)
    return isStreamed(recording) && inbound.id !== 'gemini'
      ? { ...recording.requestBody, stream: true }
      : recording.requestBody;
  const parts = outbound.apart?.(recording.requestBody);
  if (parts?.ok === true && parts.value.length > 1) return 'several prompts at once, which other protocols do not ask';
  const path = { model: modelOf(recording), isStreaming: isStreamed(recording) };
  const request = outbound.decodeRequest(recording.requestBody, path);
  // A request that its provider refused may be one that cannot be read either; then any request will do.
  if (request.ok && request.value.messages.length === 0)
    return 'a prompt that the provider keeps stands in for the conversation';
  if (!request.ok) return recording.status >= 400 ? plain : `request not readable: ${request.error.message}`;
  return inbound.encodeRequest(
    {
      ...request.value,
      isStreaming: isStreamed(recording),
      ...(isStreamed(recording) ? { wantsStreamUsage: true } : {}),
    },
    { model: modelOf(recording) },
  ).body;
}

function minimalRequest(inbound: Dialect, isStream: boolean): JsonRecord {
  if (inbound.id === 'gemini') return { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] };
  const stream = isStream ? { stream: true } : {};
  if (inbound.id === 'openai-responses') return { input: 'hi', ...stream };
  const usage = isStream && asksUsageItself(inbound) ? { stream_options: { include_usage: true } } : {};
  if (inbound.id === 'openai-completions') return { prompt: 'hi', ...stream, ...usage };
  return {
    messages: [{ role: 'user', content: 'hi' }],
    ...(inbound.id === 'openai-chat' ? {} : { max_tokens: 1000 }),
    ...stream,
    ...usage,
  };
}

/** Wires in which the caller says whether the stream shall tell what was used. */
function asksUsageItself({ id }: Dialect): boolean {
  return id === 'openai-chat' || id === 'openai-completions';
}

/** Where callers of a protocol ask; Gemini's name the model there too. */
const PATHS: Readonly<Partial<Record<Dialect['id'], string>>> = {
  'openai-chat': '/v1/chat/completions',
  'openai-responses': '/v1/responses',
  'openai-completions': '/v1/completions',
  'anthropic-messages': '/v1/messages',
  cohere: '/v2/chat',
};

function send(url: string, recording: Recording, inbound: Dialect, body: JsonRecord): Promise<Got> {
  const model = `${providerId(recording)}/${modelOf(recording)}`;
  const verb =
    isArrayStream(recording) && dialectOf(recording) === inbound
      ? 'streamGenerateContent'
      : isStreamed(recording)
        ? 'streamGenerateContent?alt=sse'
        : 'generateContent';
  const path = PATHS[inbound.id] ?? `/v1beta/models/${encodeURIComponent(model)}:${verb}`;
  const text = JSON.stringify(inbound.id === 'gemini' ? body : { ...body, model });
  return new Promise((resolve, reject) => {
    const call = httpRequest(
      `${url}${path}`,
      {
        method: 'POST',
        headers: {
          authorization: `Bearer ${ROOT_KEY}`,
          'content-type': 'application/json',
          'x-turnout-adapt': 'true',
          'anthropic-version': '2023-06-01',
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
        );
        response.on('error', reject);
      },
    );
    call.on('error', reject);
    call.end(text);
  });
}

function errorVerdict(recording: Recording, got: Got): Verdict {
  const body = parseJson(got.body.toString('utf8'));
  // Cohere's errors are a message and no more.
  if (got.status < 400 || !isRecord(body) || (body['error'] ?? body['message']) === undefined) {
    return {
      counts: [],
      failure: `an error ${recording.status} became ${got.status} ${got.body.toString('utf8').slice(0, 200)}`,
    };
  }
  return { counts: [`error ${recording.status} told as ${got.status}`] };
}

/** A whole or streamed reply in the one language; a text where it is no proper reply. */
function decoded(dialect: Dialect, bytes: Buffer, isStream: boolean, provider: string): ChatResponse | string {
  if (isStream) {
    const decoder = dialect.decoder(provider);
    const events = [...decoder.push(bytes), ...decoder.end()];
    const broken = events.find((event) => event.type === 'error');
    return broken === undefined ? collect(events, dialect.id) : `broken (${broken.fault.code})`;
  }
  const body = parseJson(bytes.toString('utf8'));
  if (!isRecord(body)) return 'not a JSON object';
  const response = dialect.decodeResponse(body, provider);
  return response.ok ? response.value : `no reply (${response.error.code})`;
}

function endsInError(body: Buffer): boolean {
  return /"finish_reason":"error"|event: error|"error":\{|"finish_reason":"ERROR"/.test(
    body.toString('utf8').slice(-3000),
  );
}

function sameVerdict(recording: Recording, of: { asked: JsonRecord; got: Got; request: Seen }): Verdict {
  const { asked, got, request } = of;
  const sent = comparableRequest(asked, recording);
  const arrived = comparableRequest(request.body ?? {}, recording);
  const counts = ['request whole'];
  try {
    assert.deepEqual(arrived, sent);
  } catch (error) {
    if (!isAmended(recording)) return { counts: [], failure: `the request changed: ${short(error)}` };
    counts[0] = 'request amended for its provider';
  }
  try {
    if (recording.isStream) assert.deepEqual(eventsOf(got.body), expectedEvents(recording, asked));
    else assert.deepEqual(parseJson(got.body.toString('utf8')), recording.json);
  } catch (error) {
    return { counts: [], failure: `the reply changed: ${short(error)}` };
  }
  return { counts: [...counts, recording.isStream ? 'stream event for event' : 'reply equal'] };
}

/** Providers whose file changes bodies that they would refuse. */
function isAmended(recording: Recording): boolean {
  return LIKE[`${recording.provider}:${recording.wire}`] !== undefined;
}

function comparableRequest(body: JsonRecord, recording: Recording): JsonRecord {
  const { model: _, stream_options: __, ...rest } = body;
  return asksUsageItself(dialectOf(recording)) || body['model'] !== undefined ? rest : body;
}

/** Events of a stream as name and parsed data. */
function eventsOf(bytes: Buffer): readonly unknown[] {
  const splitter = sseSplitter();
  const events = [...splitter.push(bytes), ...splitter.end()].filter(
    (event) => !event.isComment && event.data.length > 0,
  );
  return events.map((event) => {
    const text = event.data.toString('utf8').trim();
    return { name: event.name, data: parseJson(text) ?? text };
  });
}

/** What an event is called, beside its data or in it. */
function typeOf(event: unknown): string {
  const { name, data } = event as { name: string; data: unknown };
  if (name !== '' || !isRecord(data)) return name;
  return typeof data['type'] === 'string' ? data['type'] : '';
}

const LAST_EVENT = /^(?:message_stop|response\.completed|response\.incomplete)$/;

/** What the client must see: the recorded events, without a usage chunk that it did not ask for, and with the ending. */
function expectedEvents(recording: Recording, asked: JsonRecord): readonly unknown[] {
  const events = eventsOf(recording.bytes);
  if (!asksUsageItself(dialectOf(recording))) {
    // Two recordings hold the streams of several replies in a row, and OpenRouter adds an end mark that its protocol has not:
    // a reply ends at its own last event.
    const last = events.findIndex((event) => LAST_EVENT.test(typeOf(event)));
    if (last !== -1) return events.slice(0, last + 1);
    const isOpen = recording.wire === 'cohere-v2-chat' && (events.at(-1) as { data: unknown }).data !== '[DONE]';
    return isOpen ? [...events, { name: '', data: '[DONE]' }] : events;
  }
  const options = asked['stream_options'];
  const wantsUsage = isRecord(options) && options['include_usage'] === true;
  const tap = dialectOf(recording).tap(recording.provider);
  const kept = events.filter((event) => {
    const data = (event as { data: unknown }).data;
    const mark = tap.see('', Buffer.from(typeof data === 'string' ? data : JSON.stringify(data)));
    return wantsUsage || mark.isUsageOnly !== true;
  });
  const hasEnd = kept.some((event) => (event as { data: unknown }).data === '[DONE]');
  return hasEnd ? kept : [...kept, { name: '', data: '[DONE]' }];
}

interface Other {
  readonly recording: Recording;
  readonly inbound: Dialect;
  readonly expected: ChatResponse;
  readonly got: Got;
}

function otherVerdict({ recording, inbound, expected, got }: Other): Verdict {
  const answered = decoded(inbound, got.body, isStreamed(recording), 'turnout');
  if (typeof answered === 'string')
    return { counts: [], failure: `the client's reply is ${answered}: ${got.body.toString('utf8').slice(0, 300)}` };
  try {
    assert.deepEqual(essence(answered, inbound), essence(expected, inbound));
  } catch (error) {
    return { counts: [], failure: `translated reply: ${short(error)}` };
  }
  const losses = got.headers['x-turnout-adapted'];
  return { counts: [losses === undefined ? 'translated, nothing lost' : 'translated, losses named'] };
}

/** What any two protocols can both say of a reply: its words, thoughts, calls, end and tokens. */
function essence(response: ChatResponse, inbound: Dialect): unknown {
  // A reply of these has one choice; the others are a listed loss.
  const choices = ONE_CHOICE.has(inbound.id) ? response.choices.slice(0, 1) : response.choices;
  return {
    choices: choices.map((choice) => ({
      text: textOf(choice.parts, 'text') + textOf(choice.parts, 'refusal') + spoken(choice.parts, inbound),
      ...(inbound.id === 'openai-completions' ? {} : beside(choice.parts)),
      length: choice.finish.reason === 'length',
    })),
    input: response.usage?.inputTokens ?? 0,
    output: response.usage?.outputTokens ?? 0,
  };
}

/** Thoughts and calls, which a text completion has no place for (listed losses). */
function beside(parts: readonly Part[]): object {
  const calls = parts.flatMap((part) => (part.kind === 'tool-call' ? [[part.name, argumentsOf(part.arguments)]] : []));
  return { reasoning: textOf(parts, 'reasoning'), calls };
}

/** Anthropic carries no sound: its words are told as text (a listed loss). Gemini carries the sound without its words (another), Cohere and text completions neither. */
function spoken(parts: readonly Part[], inbound: Dialect): string {
  return inbound.id === 'gemini' || inbound.id === 'cohere' || inbound.id === 'openai-completions'
    ? ''
    : parts.map((part) => (part.kind === 'audio' ? (part.transcript ?? '') : '')).join('');
}

/** No arguments are none; text that is no JSON object is wrapped by protocols that can only carry objects (a listed loss). */
function argumentsOf(text: string): JsonRecord {
  if (text.trim() === '') return {};
  const value = parseJson(text);
  return isRecord(value) ? value : { arguments: text };
}

function textOf(parts: readonly Part[], kind: 'text' | 'reasoning' | 'refusal'): string {
  return parts.map((part) => (part.kind === kind ? part.text : '')).join('');
}

function short(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (
    text
      .split('\n')
      .filter((line) => /^\s*[+-]/.test(line))
      .slice(0, 12)
      .join(' | ')
      .slice(0, 600) || text.slice(0, 400)
  );
}
