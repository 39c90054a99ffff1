/** A body of `/api/chat` or `/api/generate` in the words of `chat`. */
import type { Fault } from '../../chat/fault.ts';
import type { Part, ToolCallPart } from '../../chat/part.ts';
import type { ChatRequest, Extra, Message, OutputFormat, Reasoning, Role, Sampling } from '../../chat/request.ts';
import {
  asArray,
  asNumber,
  asRecord,
  asString,
  compact,
  isRecord,
  type Json,
  type JsonRecord,
} from '../../lib/json.ts';
import { ok, type Result } from '../../lib/result.ts';
import type { PathFacts } from '../dialect.ts';
import { readMessages } from '../messages.ts';
import { restOf, saysSomething } from '../openai-chat/assistant.ts';
import { readTools } from '../openai-chat/request.ts';
import { inspect, isGenerate } from './inspect.ts';
import { HOME, madeId, readPicture, stringsOf } from './wire.ts';

/** Fields that become words of `ChatRequest`. `turnout` is the gateway's own and goes no further. */
const WORDS: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'prompt',
  'system',
  'images',
  'tools',
  'format',
  'options',
  'stream',
  'logprobs',
  'top_logprobs',
  'turnout',
]);
/** Fields that may be left out without changing what the caller gets: how the server keeps the model. */
const HINTS: ReadonlySet<string> = new Set(['keep_alive', 'truncate', 'shift']);
/** Options that are words of `ChatRequest`; all others tune the server, and stand among the extras as `options.NAME`. */
const OPTION_WORDS: ReadonlySet<string> = new Set([
  'num_predict',
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'seed',
  'stop',
  'repeat_penalty',
  'presence_penalty',
  'frequency_penalty',
]);
const EFFORTS: ReadonlySet<unknown> = new Set(['none', 'low', 'medium', 'high', 'max']);
const CALL_READ: ReadonlySet<string> = new Set(['id', 'type', 'function']);
const MESSAGE_READ: ReadonlySet<string> = new Set([
  'role',
  'content',
  'thinking',
  'images',
  'tool_calls',
  'tool_name',
  'tool_call_id',
]);

/** Reads a body. Checks it as `inspect` does first, so that what follows can rely on its shape. */
export function decodeRequest(body: JsonRecord, path: PathFacts): Result<ChatRequest, Fault> {
  const inspected = inspect(body, path);
  if (!inspected.ok) return inspected;
  const { model, isStreaming, maxOutputTokens } = inspected.value;
  const options = asRecord(body['options']) ?? {};
  const tools = readTools(body['tools']);
  const stop = stringsOf(options['stop']);
  return ok(
    compact({
      origin: HOME,
      model,
      messages: isGenerate(body) ? readPrompt(body) : readConversation(asArray(body['messages']) ?? []),
      tools: tools.length === 0 ? undefined : tools,
      maxOutputTokens,
      sampling: readSampling(options),
      stop: stop.length === 0 ? undefined : stop,
      logprobs: body['logprobs'] === true ? compact({ top: asNumber(body['top_logprobs']) }) : undefined,
      reasoning: readThink(body['think']),
      format: readFormat(body['format']),
      isStreaming,
      extras: [...readExtras(body), ...readOptions(options)],
    }),
  );
}

function readSampling(options: JsonRecord): Sampling {
  return compact({
    temperature: asNumber(options['temperature']),
    topP: asNumber(options['top_p']),
    topK: asNumber(options['top_k']),
    minP: asNumber(options['min_p']),
    frequencyPenalty: asNumber(options['frequency_penalty']),
    presencePenalty: asNumber(options['presence_penalty']),
    repetitionPenalty: asNumber(options['repeat_penalty']),
    seed: asNumber(options['seed']),
  });
}

type Effort = NonNullable<Reasoning['effort']>;

function isEffort(value: unknown): value is Effort {
  return EFFORTS.has(value);
}

/** On and off for most models, a level for those that have some (gpt-oss). */
function readThink(think: Json | undefined): Reasoning | undefined {
  if (think === true) return { budgetTokens: -1 };
  if (think === false) return { effort: 'none' };
  return isEffort(think) ? { effort: think } : undefined;
}

function readFormat(format: Json | undefined): OutputFormat | undefined {
  if (format === 'json') return { kind: 'json' };
  return isRecord(format) ? { kind: 'json-schema', schema: format } : undefined;
}

function readExtras(body: JsonRecord): readonly Extra[] {
  return Object.entries(body).flatMap(([field, value]): readonly Extra[] => {
    if (WORDS.has(field) || !saysSomething(value)) return [];
    // The wish to think also stands in `reasoning`; here it is as it was said.
    if (field === 'think') return [{ field, value, weight: 'hint', isCovered: true }];
    return [{ field, value, weight: HINTS.has(field) ? 'hint' : 'meaning' }];
  });
}

function readOptions(options: JsonRecord): readonly Extra[] {
  const limit = options['num_predict'];
  // No limit and "fill the context": words that nobody else has.
  const unlimited: JsonRecord = typeof limit === 'number' && limit <= 0 ? { num_predict: limit } : {};
  return Object.entries({ ...restOf(options, OPTION_WORDS), ...unlimited }).flatMap(([name, value]) =>
    value === undefined ? [] : [{ field: `options.${name}`, value, weight: 'hint' as const }],
  );
}

/** `/api/generate`: one turn, its pictures beside it. */
function readPrompt(body: JsonRecord): readonly Message[] {
  const system = asString(body['system']) ?? '';
  const text = asString(body['prompt']) ?? '';
  const said: Message = {
    role: 'user',
    parts: [{ kind: 'text', text, at: 'prompt' }, ...readPictures(body['images'], 'images')],
    at: 'prompt',
  };
  if (system === '') return [said];
  return [{ role: 'system', parts: [{ kind: 'text', text: system, at: 'system' }], at: 'system' }, said];
}

function readPictures(images: Json | undefined, at: string): readonly Part[] {
  return stringsOf(images).map((image, index) => readPicture(image, `${at}[${index}]`));
}

/** The calls of a conversation that still wait for their results. Mutable by design: it lives inside one reading. */
interface Calls {
  count: number;
  open: ToolCallPart[];
}

function readConversation(list: readonly Json[]): readonly Message[] {
  const calls: Calls = { count: 0, open: [] };
  return readMessages(list, (message, at) => readMessage(message, at, calls));
}

function readMessage(message: JsonRecord, at: string, calls: Calls): Message {
  const role = roleOf(message['role']);
  const extra = restOf(message, MESSAGE_READ);
  if (role === 'tool') return { role, parts: [readResult(message, at, calls)], at };
  const thinking = asString(message['thinking']) ?? '';
  const text = asString(message['content']) ?? '';
  const made = role === 'assistant' ? readCalls(message['tool_calls'], `${at}.tool_calls`, calls) : [];
  const parts: readonly Part[] = [
    ...(thinking === '' ? [] : [{ kind: 'reasoning' as const, text: thinking, at: `${at}.thinking` }]),
    ...(text === '' && role === 'assistant' ? [] : [{ kind: 'text' as const, text, at: `${at}.content` }]),
    ...readPictures(message['images'], `${at}.images`),
    ...made,
  ];
  return compact({ role, parts, at, extra });
}

function roleOf(role: Json | undefined): Role {
  return role === 'system' || role === 'assistant' || role === 'tool' ? role : 'user';
}

function readCalls(list: Json | undefined, at: string, calls: Calls): readonly ToolCallPart[] {
  const made = (asArray(list) ?? []).flatMap((item, index) => {
    const call = isRecord(item) ? readCall(item, { number: calls.count, at: `${at}[${index}]` }) : undefined;
    calls.count += 1;
    return call === undefined ? [] : [call];
  });
  // A new round: what was not answered never will be.
  if (made.length > 0) calls.open = [...made];
  return made;
}

/** A call of a message or of a line of a stream; `time` is that of the line. Undefined where it names no tool. */
export function readCall(
  call: JsonRecord,
  place: { readonly number: number; readonly at?: string; readonly time?: string },
): ToolCallPart | undefined {
  const named = asRecord(call['function']) ?? {};
  const name = asString(named['name']) ?? '';
  if (name === '') return undefined;
  const given = asString(call['id']) ?? '';
  const args = named['arguments'];
  return compact({
    kind: 'tool-call' as const,
    id: given === '' ? madeId(place.number, place.time) : given,
    name,
    arguments: typeof args === 'string' ? args : JSON.stringify(args ?? {}),
    at: place.at,
    extra: restOf(call, CALL_READ),
  });
}

/** A result belongs to the call of its id, else to the first of its name that waits, else to the first that waits. */
function readResult(message: JsonRecord, at: string, calls: Calls): Part {
  const id = asString(message['tool_call_id']);
  const named = asString(message['tool_name']) ?? asString(message['name']);
  const waiting = calls.open;
  const call =
    waiting.find((one) => one.id === id) ??
    (id === undefined ? (waiting.find((one) => one.name === named) ?? waiting[0]) : undefined);
  calls.open = waiting.filter((one) => one !== call);
  return compact({
    kind: 'tool-result' as const,
    callId: id ?? call?.id ?? madeId(calls.count),
    name: named ?? call?.name,
    parts: [
      { kind: 'text' as const, text: asString(message['content']) ?? '', at: `${at}.content` },
      ...stringsOf(message['images']).map((image, index) => readPicture(image, `${at}.images[${index}]`)),
    ],
    at,
    extra: restOf(message, RESULT_READ),
  });
}

const RESULT_READ: ReadonlySet<string> = new Set([...MESSAGE_READ, 'name']);
