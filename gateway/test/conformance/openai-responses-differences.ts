/**
 * What reading and writing a body of the Responses API changes in it, rule by rule. A rule brings both sides of a comparison
 * to one form; whatever no rule covers must be equal to the last field.
 */
import { asArray, asRecord, isArray, isRecord, type Json, type JsonRecord } from '../../src/lib/json.ts';

type Rule = (body: JsonRecord) => JsonRecord;

function without(record: JsonRecord, ...fields: readonly string[]): JsonRecord {
  return Object.fromEntries(Object.entries(record).filter(([field]) => !fields.includes(field)));
}

function mapList(record: JsonRecord, field: string, change: (item: JsonRecord) => Json): JsonRecord {
  const list = asArray(record[field]);
  return list === undefined
    ? record
    : { ...record, [field]: list.map((item) => (isRecord(item) ? change(item) : item)) };
}

/** Schemas, arguments and what belongs to one provider alone: nothing in them may change. */
const UNTOUCHED: ReadonlySet<string> = new Set(['parameters', 'schema', 'arguments', 'metadata']);

function prune(value: Json): Json {
  if (isArray(value)) return value.map(prune);
  if (!isRecord(value)) return value;
  const kept = Object.entries(value).flatMap(([key, item]): readonly [string, Json][] =>
    item === undefined || item === null || (isArray(item) && item.length === 0)
      ? []
      : [[key, UNTOUCHED.has(key) ? item : prune(item)]],
  );
  return Object.fromEntries(kept);
}

const dropEmpty: Rule = (body) => asRecord(prune(body)) ?? {};

const inItems =
  (field: string, change: (item: JsonRecord) => Json): Rule =>
  (body) =>
    mapList(body, field, change);

function typed(item: JsonRecord): JsonRecord {
  return item['type'] === undefined && item['role'] !== undefined ? { ...item, type: 'message' } : item;
}

/** One text part without more is that text. */
function plainContent(item: JsonRecord): JsonRecord {
  const [field, value] = item['content'] === undefined ? ['output', item['output']] : ['content', item['content']];
  const [only] = asArray(value) ?? [];
  if (!isArray(value) || value.length !== 1 || !isRecord(only) || typeof only['text'] !== 'string') return item;
  const isPlain = Object.keys(only).every((key) => key === 'type' || key === 'text');
  const isOther = item['type'] === 'reasoning' || item['role'] === 'assistant';
  return isPlain && !isOther ? { ...item, [field]: only['text'] } : item;
}

/** Bedrock's calls have no id of their own. */
function withItemId(item: JsonRecord): JsonRecord {
  const { id } = item;
  const isMade = id === undefined || (typeof id === 'string' && /_\d$/.test(id));
  return item['type'] === 'function_call' && isMade ? without(item, 'id', 'item_id', 'output_index') : item;
}

function listedContent(item: JsonRecord): JsonRecord {
  if (item['role'] !== 'assistant' || typeof item['content'] !== 'string') return item;
  return { ...item, content: [{ type: 'output_text', text: item['content'] }] };
}

/** Whether an item says anything: words, a seal, or the work of a tool. */
function isSaid(item: JsonRecord): boolean {
  if (item['type'] === 'reasoning')
    return ['summary', 'content', 'encrypted_content'].some((field) => item[field] !== undefined);
  const { content } = item;
  const list = asArray(content) ?? [];
  return (
    item['type'] !== 'message' ||
    (typeof content === 'string' && content !== '') ||
    list.some((part) => !isRecord(part) || part['text'] !== '')
  );
}

function sayingItems(field: string): Rule {
  return (body) => {
    const list = asArray(body[field]);
    return list === undefined ? body : { ...body, [field]: list.filter((item) => !isRecord(item) || isSaid(item)) };
  };
}

/** `output_text` repeats the text; a seed of padding hides its length from listeners. */
const NOISE: readonly string[] = ['output_text', 'obfuscation'];

function completeStatus(body: JsonRecord): JsonRecord {
  return body['status'] === 'complete' || body['status'] === undefined ? { ...body, status: 'completed' } : body;
}

function withDefaults(body: JsonRecord): JsonRecord {
  const defaults = {
    object: 'response',
    background: false,
    parallel_tool_calls: true,
    store: false,
    temperature: 1,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    top_p: 1,
    truncation: 'disabled',
    metadata: {},
  };
  return { ...defaults, ...body };
}

function withoutZeroTime(body: JsonRecord): JsonRecord {
  return body['created_at'] === 0 || body['created_at'] === 1_700_000_000 ? without(body, 'created_at') : body;
}

function withDetails(body: JsonRecord): JsonRecord {
  const usage = asRecord(body['usage']);
  if (usage === undefined) return body;
  const input_tokens_details = { cached_tokens: 0, ...asRecord(usage['input_tokens_details']) };
  const output_tokens_details = { reasoning_tokens: 0, ...asRecord(usage['output_tokens_details']) };
  return { ...body, usage: { ...usage, input_tokens_details, output_tokens_details } };
}

export const REQUEST_DIFFERENCES: Readonly<Record<string, Rule>> = {
  'fields that say nothing (null, empty lists) are absent': dropEmpty,
  'a message names its type': inItems('input', typed),
  'the content of an assistant is a list': inItems('input', listedContent),
  'a list of one text is that text': inItems('input', plainContent),
  'an item that says nothing is absent': sayingItems('input'),
  'a format of the text that says nothing is absent': (body) =>
    isRecord(body['text']) && Object.keys(body['text']).length === 0 ? without(body, 'text') : body,
  'a stream that was not asked for is absent': (body) => (body['stream'] === false ? without(body, 'stream') : body),
};

export const REPLY_DIFFERENCES: Readonly<Record<string, Rule>> = {
  'fields that say nothing (null, empty lists) are absent': dropEmpty,
  'an item that says nothing is absent': sayingItems('output'),
  'the text is not repeated beside the output': (body) => without(body, ...NOISE),
  'a reply without a status is complete': completeStatus,
  'what every reply of OpenAI has is there': withDefaults,
  'the details of usage are there': withDetails,
  'a time of zero is no time': withoutZeroTime,
  'ids of calls are made where there were none': inItems('output', withItemId),
};

/** Events of the provider's own tools under way: their item comes whole, at its end. */
const PROGRESS =
  /^response\.(?:web_search|file_search|code_interpreter|image_generation|mcp)\w*\.|^(?:response\.queued|keepalive)$/;

function mapEvents(change: (event: JsonRecord) => JsonRecord | undefined): Rule {
  return (body) => ({
    events: (asArray(body['events']) ?? []).flatMap((event): readonly JsonRecord[] => {
      const changed = isRecord(event) ? change(event) : undefined;
      return changed === undefined ? [] : [changed];
    }),
  });
}

function mapItem(change: (item: JsonRecord) => JsonRecord): Rule {
  return mapEvents((event) => {
    const item = asRecord(event['item']);
    const response = asRecord(event['response']);
    return {
      ...event,
      ...(item === undefined ? {} : { item: change(item) }),
      ...(response === undefined ? {} : { response: mapList(response, 'output', change) }),
    };
  });
}

/** What an item is when it begins; the rest is told at its end. */
const BEGUN: ReadonlySet<string> = new Set(['id', 'type', 'call_id', 'name', 'role']);

/** Arguments that came whole are one piece. */
function piecedArguments(body: JsonRecord): JsonRecord {
  const events = (asArray(body['events']) ?? []).filter(isRecord);
  const pieced = new Set(
    events
      .filter((event) => event['type'] === 'response.function_call_arguments.delta')
      .map((event) => event['item_id']),
  );
  return {
    events: events.flatMap((event): readonly JsonRecord[] => {
      const { arguments: text, item_id, output_index } = event;
      if (event['type'] !== 'response.function_call_arguments.done' || text === '' || pieced.has(item_id))
        return [event];
      const place = { item_id: item_id ?? null, output_index: output_index ?? null };
      return [{ type: 'response.function_call_arguments.delta', ...place, delta: text ?? null }, event];
    }),
  };
}

/** Items that say nothing, events and all; the others are numbered anew. */
function withoutSilentItems(body: JsonRecord): JsonRecord {
  const events = (asArray(body['events']) ?? []).filter(isRecord);
  const done = events.filter((event) => event['type'] === 'response.output_item.done');
  const kept = done.filter((event) => isSaid(asRecord(event['item']) ?? {})).map((event) => event['output_index']);
  const place = new Map(kept.toSorted((a, b) => Number(a) - Number(b)).map((index, at) => [index, at]));
  return {
    events: events.flatMap((event): readonly JsonRecord[] => {
      const index = event['output_index'];
      const response = asRecord(event['response']);
      if (response !== undefined) {
        const output = (asArray(response['output']) ?? []).filter((item) => isRecord(item) && isSaid(item));
        return [{ ...event, response: { ...response, output } }];
      }
      if (index === undefined) return [event];
      return place.has(index) ? [{ ...event, output_index: place.get(index) ?? 0 }] : [];
    }),
  };
}

const LAST = ['id', 'object', 'model', 'status', 'output', 'usage', 'incomplete_details'];

function lastResponse(event: JsonRecord): JsonRecord {
  const response = asRecord(event['response']);
  if (response === undefined || response['status'] === 'in_progress') return event;
  return {
    ...event,
    response: Object.fromEntries(
      LAST.flatMap((field) => {
        const value = response[field];
        return value === undefined ? [] : [[field, value] as const];
      }),
    ),
  };
}

function inResponse(change: Rule): Rule {
  return mapEvents((event) => {
    const response = asRecord(event['response']);
    return response === undefined ? event : { ...event, response: change(response) };
  });
}

export const STREAM_DIFFERENCES: Readonly<Record<string, Rule>> = {
  'tools of the provider tell no progress': mapEvents((event) =>
    PROGRESS.test(String(event['type'])) ? undefined : event,
  ),
  'fields that say nothing (null, empty lists) are absent': mapEvents((event) => dropEmpty(event)),
  'pieces are not padded, and numbered anew': mapEvents((event) => without(event, 'obfuscation', 'sequence_number')),
  'probabilities stand at the end of the text': mapEvents((event) =>
    event['delta'] === undefined ? event : without(event, 'logprobs'),
  ),
  'the arguments alone are told at their end': mapEvents((event) =>
    event['arguments'] === undefined ? event : without(event, 'name'),
  ),
  'arguments that came whole are one piece': piecedArguments,
  'items that say nothing are absent': withoutSilentItems,
  'an item begins with its type and names': mapEvents((event) => {
    const item = asRecord(event['item']);
    if (event['type'] !== 'response.output_item.added' || item === undefined) return event;
    return { ...event, item: Object.fromEntries(Object.entries(item).filter(([field]) => BEGUN.has(field))) };
  }),
  'a seal is made anew each time that it is asked for': mapItem((item) =>
    item['encrypted_content'] === undefined ? item : { ...item, encrypted_content: 'sealed' },
  ),
  'reasoning has no status, nor has the call of a program': mapItem((item) =>
    item['type'] === 'reasoning' || item['caller'] !== undefined ? without(item, 'status') : item,
  ),
  'what is repeated of the request is told at the beginning': mapEvents(lastResponse),
  'what every reply of OpenAI has is there': inResponse(withDefaults),
  'a time of zero is no time': inResponse(withoutZeroTime),
};
