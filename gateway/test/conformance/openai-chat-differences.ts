/**
 * What reading and writing a chat-completions body changes in it, rule by rule. A rule brings both sides of a comparison
 * to one form; whatever no rule covers must be equal to the last field.
 */
import { asArray, asRecord, isArray, isRecord, type Json, type JsonRecord } from '../../src/lib/json.ts';

type Rule = (body: JsonRecord) => JsonRecord;
type Change = (record: JsonRecord) => JsonRecord;

function without(record: JsonRecord, ...fields: readonly string[]): JsonRecord {
  return Object.fromEntries(Object.entries(record).filter(([field]) => !fields.includes(field)));
}

function renamed(record: JsonRecord, from: string, to: string): JsonRecord {
  if (record[from] === undefined) return record;
  return { ...without(record, from), ...(record[to] === undefined ? { [to]: record[from] } : {}) };
}

function mapList(record: JsonRecord, field: string, change: (item: JsonRecord, index: number) => Json): JsonRecord {
  const list = asArray(record[field]);
  if (list === undefined) return record;
  return { ...record, [field]: list.map((item, index) => (isRecord(item) ? change(item, index) : item)) };
}

const inMessages =
  (change: Change): Rule =>
  (body) =>
    mapList(body, 'messages', change);
const inParts = (change: Change): Rule => inMessages((message) => mapList(message, 'content', change));
const inChoices =
  (change: Change): Rule =>
  (body) =>
    mapList(body, 'choices', change);
const inReplies = (change: Change): Rule =>
  inChoices((choice) => {
    const message = asRecord(choice['message']);
    return message === undefined ? choice : { ...choice, message: change(message) };
  });
const inCalls =
  (change: (call: JsonRecord, index: number) => Json): Change =>
  (message) =>
    mapList(message, 'tool_calls', change);

/** Schemas and arguments belong to the caller: nothing in them may change. */
const UNTOUCHED: ReadonlySet<string> = new Set(['parameters', 'schema', 'arguments', 'metadata', 'logit_bias']);

/** A value as text; empty where it is none. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function saysNothing(value: Json | undefined): boolean {
  if (value === undefined || value === null || value === '') return true;
  if (isArray(value)) return value.length === 0;
  return isRecord(value) && Object.values(value).every(saysNothing);
}

function prune(value: Json, isEmpty: (value: Json | undefined) => boolean): Json {
  if (isArray(value)) return value.map((item) => prune(item, isEmpty));
  if (!isRecord(value)) return value;
  const kept = Object.entries(value).flatMap(([key, item]): readonly [string, Json][] =>
    item === undefined || isEmpty(item) ? [] : [[key, UNTOUCHED.has(key) ? item : prune(item, isEmpty)]],
  );
  return Object.fromEntries(kept);
}

const dropNulls: Rule = (body) => asRecord(prune(body, (value) => value === null)) ?? {};
const dropEmpty: Rule = (body) => asRecord(prune(body, saysNothing)) ?? {};

function reasoningText(message: JsonRecord): Json | undefined {
  const details = (asArray(message['reasoning_details']) ?? []).filter(isRecord);
  const text = details.map((entry) => textOf(entry['text'] ?? entry['summary'])).join('');
  return text === '' ? (message['reasoning_content'] ?? message['reasoning']) : text;
}

/** Every entry as one line, numbers left out: what a provider reads of it. */
function detailLines(message: JsonRecord): JsonRecord {
  const details = asArray(message['reasoning_details']);
  if (details === undefined) return message;
  const lines = details.filter(isRecord).map((entry) => {
    const { index: _, id, format, ...said } = entry;
    const known = format === 'anthropic-claude-v1' || format === 'google-gemini-v1';
    return {
      ...without(said, ...Object.keys(said).filter((field) => said[field] === '')),
      ...(id === undefined || id === null ? {} : { id }),
      format: known ? format : 'other',
    };
  });
  return { ...message, reasoning_details: lines };
}

const CALL_SIGNATURE = 'google-gemini-v1';

function googleOnCalls(message: JsonRecord): JsonRecord {
  const signatures = new Map<Json | undefined, Json>();
  for (const entry of asArray(message['reasoning_details']) ?? []) {
    if (isRecord(entry) && entry['format'] === CALL_SIGNATURE && typeof entry['data'] === 'string')
      signatures.set(entry['id'], entry['data']);
  }
  const own = asRecord(asRecord(message['extra_content'])?.['google'])?.['thought_signature'];
  const signed = inCalls((call, index) => {
    const value =
      asRecord(asRecord(call['extra_content'])?.['google'])?.['thought_signature'] ??
      signatures.get(call['id']) ??
      (index === 0 ? own : undefined);
    return value === undefined ? call : { ...call, extra_content: { google: { thought_signature: value } } };
  })(message);
  const ids = new Set((asArray(message['tool_calls']) ?? []).map((call) => (isRecord(call) ? call['id'] : undefined)));
  const rest = (asArray(signed['reasoning_details']) ?? []).filter(
    (entry) => !(isRecord(entry) && entry['format'] === CALL_SIGNATURE && ids.has(entry['id'])),
  );
  const hasCalls = ids.size > 0;
  return {
    ...without(signed, 'thought_signature', 'reasoning_details', ...(hasCalls ? ['extra_content'] : [])),
    ...(rest.length === 0 ? {} : { reasoning_details: rest }),
  };
}

function filledId(call: JsonRecord, index: number): JsonRecord {
  const name = asRecord(call['function'])?.['name'];
  return call['id'] === undefined || call['id'] === '' ? { ...call, id: `call_${index}_${textOf(name)}` } : call;
}

/** Function messages and calls of the form before tools, as tools. */
const modern: Rule = (body) => {
  let last: Json = '';
  const functions = asArray(body['functions']);
  const messages = (asArray(body['messages']) ?? []).map((item, index) => {
    if (!isRecord(item)) return item;
    const call = asRecord(item['function_call']);
    if (call !== undefined) {
      last = `call_${index}_${textOf(call['name'])}`;
      return { ...without(item, 'function_call'), tool_calls: [{ id: last, type: 'function', function: call }] };
    }
    return item['role'] === 'function' ? { ...item, role: 'tool', tool_call_id: last } : item;
  });
  return {
    ...renamed(without(body, 'functions'), 'function_call', 'tool_choice'),
    messages,
    ...(functions === undefined
      ? {}
      : { tools: functions.map((declared) => ({ type: 'function', function: declared })) }),
  };
};

function dataUrlOf(part: JsonRecord, field: string): JsonRecord {
  const url = asRecord(part[field])?.['url'] ?? part[field];
  const text = typeof url === 'string' && !/^[a-z]+:/.test(url) ? `data:application/zip;base64,${url}` : url;
  return { ...without(part, field), type: 'file', file: { file_data: text ?? null } };
}

/** Differences between a request and the same request decoded and encoded again. */
export const REQUEST_DIFFERENCES: Readonly<Record<string, Rule>> = {
  'fields that are null are left out': dropNulls,
  '`stream: false` and `logprobs: false` are left out': (body) => {
    const off = ['stream', 'logprobs'].filter((field) => body[field] === false);
    return without(body, ...off);
  },
  '`max_tokens` is written as `max_completion_tokens`': (body) => renamed(body, 'max_tokens', 'max_completion_tokens'),
  '`random_seed` (Mistral) is written as `seed`': (body) => renamed(body, 'random_seed', 'seed'),
  '`stop` is always a list': (body) => (typeof body['stop'] === 'string' ? { ...body, stop: [body['stop']] } : body),
  'an empty list of tools or stops is left out': (body) =>
    without(body, ...['tools', 'stop'].filter((field) => asArray(body[field])?.length === 0)),
  'functions, function calls and function messages are written as tools': modern,
  'a tool without a type gets one': (body) => mapList(body, 'tools', (tool) => ({ type: 'function', ...tool })),
  '`tool_choice: any` (Mistral) is written as `required`': (body) =>
    body['tool_choice'] === 'any' ? { ...body, tool_choice: 'required' } : body,
  'a named tool choice without a type gets one': (body) => {
    const choice = asRecord(body['tool_choice']);
    return choice === undefined ? body : { ...body, tool_choice: { type: 'function', ...choice } };
  },
  'a schema without a name gets one': (body) => {
    const format = asRecord(body['response_format']);
    const described = asRecord(format?.['json_schema']);
    return described === undefined
      ? body
      : { ...body, response_format: { ...format, json_schema: { name: 'response', ...described } } };
  },
  "OpenAI's cache breakpoint is written as `cache_control`": inParts((part) => {
    const { prompt_cache_breakpoint: breakpoint, ...rest } = part;
    return breakpoint === undefined ? part : { cache_control: { type: 'ephemeral' }, ...rest };
  }),
  'a cache mark of a message stands at its last part': inMessages((message) => {
    const { cache_control: mark, ...rest } = message;
    const { content } = message;
    if (mark === undefined) return message;
    if (typeof content === 'string')
      return { ...rest, content: [{ type: 'text', text: content, cache_control: mark }] };
    return {
      ...rest,
      content: (asArray(content) ?? []).map((part, index, all) =>
        index === all.length - 1 && isRecord(part) ? { ...part, cache_control: mark } : part,
      ),
    };
  }),
  'a single plain text part is written as a string': inMessages((message) => {
    const content = asArray(message['content']);
    const only = asRecord(content?.[0]);
    const isPlain = content?.length === 1 && only !== undefined && Object.keys(only).toSorted().join() === 'text,type';
    return isPlain ? { ...message, content: only['text'] ?? null } : message;
  }),
  'an assistant without text has no content': inMessages((message) => {
    const isEmpty = message['role'] === 'assistant' && saysNothing(message['content']);
    return isEmpty ? without(message, 'content') : message;
  }),
  "empty lists and texts of an assistant's message are left out": inMessages((message) => {
    if (message['role'] !== 'assistant') return message;
    return without(
      message,
      ...Object.keys(message).filter((field) => field !== 'content' && saysNothing(message[field])),
    );
  }),
  'the number of a tool call in a message is left out': inMessages(inCalls((call) => without(call, 'index'))),
  "the name of a tool's message is left out": inMessages((message) =>
    message['role'] === 'tool' ? without(message, 'name') : message,
  ),
  "Gemini's signatures of calls stand at the calls": inMessages(googleOnCalls),
  'readable reasoning is written as `reasoning_content`': inMessages((message) => {
    const text = reasoningText(message);
    return text === undefined ? message : { ...without(message, 'reasoning'), reasoning_content: text };
  }),
  'reasoning entries are numbered anew, those without a form are `unknown`': inMessages(detailLines),
  "a picture's bare address is wrapped (Mistral)": inParts((part) =>
    typeof part['image_url'] === 'string' ? { ...part, image_url: { url: part['image_url'] } } : part,
  ),
  'bare sound is wrapped (Mistral)': inParts((part) =>
    typeof part['input_audio'] === 'string'
      ? { ...part, input_audio: { data: part['input_audio'], format: 'mp3' } }
      : part,
  ),
  'documents of Mistral and Perplexity are written as files': inParts((part) => {
    const field = ['document_url', 'file_url'].find((name) => part[name] !== undefined);
    return field === undefined ? part : dataUrlOf(part, field);
  }),
  'a file without a name gets one': inParts((part) => {
    const file = asRecord(part['file']);
    if (file?.['file_data'] === undefined) return part;
    const ending = /^data:application\/(\w+)/.exec(textOf(file['file_data']))?.[1];
    return { ...part, file: { filename: ending === undefined ? 'document' : `document.${ending}`, ...file } };
  }),
};

/** What `completion_tokens` and `prompt_tokens` are once every token is in one of them. */
function wholeUsage(usage: JsonRecord): JsonRecord {
  const count = (value: Json | undefined): number => (typeof value === 'number' ? value : 0);
  const input = count(usage['prompt_tokens']);
  const output = count(usage['completion_tokens']);
  const gap = count(usage['total_tokens']) - input - output;
  const sound = count(asRecord(usage['prompt_tokens_details'])?.['audio_tokens']);
  if (gap <= 0) return usage;
  if (gap === sound) return { ...usage, prompt_tokens: input + gap };
  const details = asRecord(usage['completion_tokens_details']);
  return {
    ...usage,
    completion_tokens: output + gap,
    completion_tokens_details: { reasoning_tokens: gap, ...details },
  };
}

const inUsage =
  (change: Change): Rule =>
  (body) => {
    const usage = asRecord(body['usage']);
    return usage === undefined ? body : { ...body, usage: change(usage) };
  };

/** Details that OpenAI's form has, out of the names that others give them. */
function detailedUsage(usage: JsonRecord): JsonRecord {
  const input = asRecord(usage['prompt_tokens_details']) ?? {};
  const cached =
    input['cached_tokens'] ??
    usage['prompt_cache_hit_tokens'] ??
    usage['cache_read_input_tokens'] ??
    usage['cached_tokens'] ??
    usage['num_cached_tokens'];
  const written = input['cache_write_tokens'] ?? usage['cache_creation_input_tokens'];
  const short = asRecord(usage['prompt_token_details'])?.['cached_tokens'];
  const shortOutput = asRecord(usage['completion_token_details'])?.['reasoning_tokens'];
  const output = {
    ...asRecord(usage['completion_tokens_details']),
    ...(shortOutput === undefined ? {} : { reasoning_tokens: shortOutput }),
  };
  const details = {
    ...input,
    ...(cached === undefined ? {} : { cached_tokens: cached }),
    ...(short === undefined ? {} : { cached_tokens: short }),
    ...(written === undefined ? {} : { cache_write_tokens: written }),
  };
  return { ...usage, prompt_tokens_details: details, completion_tokens_details: output };
}

const FINISH: Readonly<Record<string, string>> = { eos: 'stop', function_call: 'tool_calls' };

/** Differences between a reply and the same reply decoded and encoded again. */
export const RESPONSE_DIFFERENCES: Readonly<Record<string, Rule>> = {
  'thinking parts (Mistral) are written as `reasoning_content`, text parts as one string': inReplies((message) => {
    const parts = asArray(message['content'])?.filter(isRecord);
    if (parts === undefined) return message;
    const thinking = parts
      .flatMap((part) => asArray(part['thinking']) ?? [])
      .map((piece) => (isRecord(piece) ? textOf(piece['text']) : ''));
    return {
      ...message,
      content: parts.map((part) => textOf(part['text'])).join(''),
      reasoning_content: thinking.join(''),
    };
  }),
  'an empty message beside the reply is left out (Perplexity)': inChoices((choice) => without(choice, 'delta')),
  "Snowflake's placeholders in calls are left out": inReplies(
    inCalls((call) => (asRecord(call['custom'])?.['name'] === '' ? without(call, 'custom') : call)),
  ),
  'a function call is written as a tool call': inReplies((message) => {
    const call = asRecord(message['function_call']);
    if (call === undefined || call['name'] === '') return message;
    const calls = [{ id: `call_${textOf(call['name'])}`, type: 'function', function: call }];
    return { ...without(message, 'function_call'), tool_calls: calls };
  }),
  'null, empty text and empty lists are left out, or written where OpenAI writes them': dropEmpty,
  "a sound's `expires_at: 0` is left out": inReplies((message) => {
    const audio = asRecord(message['audio']);
    return audio !== undefined && saysNothing({ ...audio, expires_at: null }) ? without(message, 'audio') : message;
  }),
  'the number of a tool call is left out, its type filled in': inReplies(
    inCalls((call) => ({ type: 'function', ...without(call, 'index') })),
  ),
  'a tool call without an id gets one': inReplies(inCalls(filledId)),
  "Gemini's signatures of calls stand at the calls": inReplies(googleOnCalls),
  "Google's mark `thought` beside a signature is left out": inReplies((message) => {
    const google = asRecord(asRecord(message['extra_content'])?.['google']);
    return google === undefined ? message : { ...message, extra_content: { google: without(google, 'thought') } };
  }),
  'readable reasoning is written as `reasoning_content`': inReplies((message) => {
    const text = reasoningText(message);
    return text === undefined ? message : { ...without(message, 'reasoning'), reasoning_content: text };
  }),
  'reasoning entries are numbered anew, those without a form are `unknown`': inReplies(detailLines),
  "finish reasons are OpenAI's": inChoices((choice) => {
    const calls = asArray(asRecord(choice['message'])?.['tool_calls']) ?? [];
    const reason = textOf(choice['finish_reason'] ?? (calls.length > 0 ? 'tool_calls' : 'stop'));
    return { ...choice, finish_reason: FINISH[reason] ?? reason };
  }),
  'usage that `total_tokens` shows to be short is made whole': inUsage(wholeUsage),
  "usage has OpenAI's details": inUsage(detailedUsage),
  'cached tokens beyond the input are cut to it (recorded behind Azure)': inUsage((usage) => {
    const details = asRecord(usage['prompt_tokens_details']);
    const input = usage['prompt_tokens'];
    const cached = details?.['cached_tokens'];
    const isTooMany = typeof cached === 'number' && typeof input === 'number' && cached > input;
    return isTooMany ? { ...usage, prompt_tokens_details: { ...details, cached_tokens: input } } : usage;
  }),
  'reasoning tokens beyond the output are cut to it (recorded at Vercel, OpenRouter, Doubleword)': inUsage((usage) => {
    const details = asRecord(usage['completion_tokens_details']);
    const output = usage['completion_tokens'];
    const reasoning = details?.['reasoning_tokens'];
    const isTooMany = typeof reasoning === 'number' && typeof output === 'number' && reasoning > output;
    return isTooMany ? { ...usage, completion_tokens_details: { ...details, reasoning_tokens: output } } : usage;
  }),
  'a time written as text becomes a number (Writer)': (body) =>
    typeof body['created'] === 'string' ? { ...body, created: Number(body['created']) } : body,
  'missing id, model and time are filled in': (body) => ({
    ...body,
    id: body['id'] ?? 'chatcmpl-r1',
    model: body['model'] ?? 'asked',
    created: body['created'] === 0 || body['created'] === undefined ? 1_700_000_000 : body['created'],
    choices: asArray(body['choices']) ?? [],
  }),
};
