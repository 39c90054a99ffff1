/**
 * Changes that providers of the chat-completions wire need, each with a test of whether it is needed, so that all other
 * bodies go on as bytes. A provider's file puts together those it wants: `...seams(developerAsSystem, olderTokenLimit)`.
 */
import { asArray, isArray, isRecord, type Json, type JsonRecord } from '../lib/json.ts';
import type { Provider } from './provider.ts';

export interface Amendment {
  readonly isNeeded: (body: JsonRecord) => boolean;
  /** Only called where it is needed. */
  readonly apply: (body: JsonRecord) => JsonRecord;
}

/** The two seams of a provider that does all of `amendments`, in order. */
export function seams(...amendments: readonly Amendment[]): Required<Pick<Provider, 'needsAmend' | 'amendRequest'>> {
  return {
    needsAmend: (body) => amendments.some((amendment) => amendment.isNeeded(body)),
    amendRequest: (body) =>
      amendments.reduce((current, { isNeeded, apply }) => (isNeeded(current) ? apply(current) : current), body),
  };
}

/** OpenAI's own models, also behind gateways (`openai/gpt-5`); its open weights are served by anyone. */
const OPENAI_MODEL = /(?:^|[/.])(?:gpt-(?!oss)|chatgpt-|o[1-9](?:-|$)|codex-)/i;
/** OpenAI's reasoning models: these refuse `max_tokens` ("Use 'max_completion_tokens' instead"). */
const OPENAI_REASONING_MODEL = /(?:^|[/.])(?:o[1-9](?:-|$)|gpt-(?:[5-9]|[1-9]\d)|codex-)/i;

function modelOf(body: JsonRecord): string {
  return typeof body['model'] === 'string' ? body['model'] : '';
}

/** Writes the older name of the token limit, which every server of this wire knows; OpenAI's own models keep the newer. */
export const olderTokenLimit: Amendment = {
  isNeeded: (body) => isGiven(body['max_completion_tokens']) && !OPENAI_MODEL.test(modelOf(body)),
  apply: (body) => renamed(body, 'max_completion_tokens', 'max_tokens'),
};

/** Writes the newer name of the token limit, which OpenAI's reasoning models demand. */
export const newerTokenLimit: Amendment = {
  isNeeded: (body) => isGiven(body['max_tokens']) && OPENAI_REASONING_MODEL.test(modelOf(body)),
  apply: (body) => renamed(body, 'max_tokens', 'max_completion_tokens'),
};

/** Only OpenAI's models know the role `developer`; elsewhere the chat template has no such role. */
export const developerAsSystem: Amendment = {
  isNeeded: (body) =>
    !OPENAI_MODEL.test(modelOf(body)) && someMessage(body, (message) => message['role'] === 'developer'),
  apply: (body) =>
    mapMessages(body, (message) => (message['role'] === 'developer' ? { ...message, role: 'system' } : message)),
};

/** Mistral's word for a call that is demanded, which its SDK sends to everyone; all others have OpenAI's, and Mistral knows it too. */
export const anyAsRequired: Amendment = {
  isNeeded: (body) => body['tool_choice'] === 'any',
  apply: (body) => ({ ...body, tool_choice: 'required' }),
};

/** Leaves out fields of assistants' messages (and of their calls) that the provider refuses as unknown. */
export function withoutHistory(...fields: readonly string[]): Amendment {
  const names = new Set(fields);
  const holds = (record: JsonRecord): boolean => fields.some((field) => record[field] !== undefined);
  return {
    isNeeded: (body) => someMessage(body, (message) => holds(message) || callsOf(message).some(holds)),
    apply: (body) =>
      mapMessages(body, (message) =>
        withoutKeys(
          mapCalls(message, (call) => withoutKeys(call, names)),
          names,
        ),
      ),
  };
}

/** Where reasoning stands in a message's history, in the names of all providers, and Google's signatures. */
export const REASONING_HISTORY = ['reasoning_content', 'reasoning', 'reasoning_details', 'extra_content'] as const;

/** Leaves out what only OpenRouter's kin and Google read; strict servers answer 400 to it (Fireworks, vLLM, Databricks). */
export const withoutDetails: Amendment = withoutHistory('reasoning_details', 'extra_content');

/**
 * What every server of this wire takes of a translation. A caller of the wire itself is only spared what other providers have
 * signed or sealed, which after a fallback stands in its history, and a word that only Mistral has.
 */
export const unsealed: Required<Pick<Provider, 'needsAmend' | 'amendRequest'>> = {
  ...seams(developerAsSystem, olderTokenLimit, withoutDetails, anyAsRequired),
  needsAmend: (body) => withoutDetails.isNeeded(body) || anyAsRequired.isNeeded(body),
};

/** Writes readable reasoning of the history under the name `reasoning`. */
export const reasoningAsReasoning: Amendment = {
  isNeeded: (body) => someMessage(body, (message) => message['reasoning_content'] !== undefined),
  apply: (body) => mapMessages(body, (message) => renamed(message, 'reasoning_content', 'reasoning')),
};

/** Renames a top-level field, unless the new name is taken. */
export function renamedField(from: string, to: string): Amendment {
  return { isNeeded: (body) => body[from] !== undefined, apply: (body) => renamed(body, from, to) };
}

/** Leaves out every top-level field but these: for providers that answer 422 to what they do not know. */
export function onlyFields(fields: ReadonlySet<string>): Amendment {
  return {
    isNeeded: (body) => Object.keys(body).some((field) => !fields.has(field)),
    apply: (body) => Object.fromEntries(Object.entries(body).filter(([field]) => fields.has(field))),
  };
}

/** Leaves out cache marks of OpenRouter's form, on messages, parts and tools. */
export const withoutCacheMarks: Amendment = mappedCacheMarks(() => ({}));

/** Replaces every cache mark by other fields. Marks on tools are left out: no other form has them. */
export function mappedCacheMarks(write: (isPart: boolean) => JsonRecord): Amendment {
  const isMarked = (item: Json): boolean => isRecord(item) && item['cache_control'] !== undefined;
  const change = (item: Json, isPart: boolean): Json => {
    if (!isRecord(item) || item['cache_control'] === undefined) return item;
    const { cache_control: _, ...rest } = item;
    return { ...write(isPart), ...rest };
  };
  return {
    isNeeded: (body) =>
      (asArray(body['tools']) ?? []).some(isMarked) ||
      someMessage(
        body,
        (message) =>
          isMarked(message) || (asArray(message['content']) ?? []).some(isMarked) || callsOf(message).some(isMarked),
      ),
    apply: (body) => {
      const marked = mapMessages(body, (message) => {
        const own = mapCalls(withoutKeys(message, new Set(['cache_control'])), (call) =>
          withoutKeys(call, new Set(['cache_control'])),
        );
        const { content } = own;
        return isArray(content) ? { ...own, content: content.map((part) => change(part, true)) } : own;
      });
      const { tools } = marked;
      return isArray(tools) ? { ...marked, tools: tools.map((tool) => change(tool, false)) } : marked;
    },
  };
}

/** Changes content parts of one type. */
export function mappedParts(type: string, change: (part: JsonRecord) => JsonRecord): Amendment {
  const isOne = (part: Json): boolean => isRecord(part) && part['type'] === type;
  return {
    isNeeded: (body) => someMessage(body, (message) => (asArray(message['content']) ?? []).some(isOne)),
    apply: (body) =>
      mapMessages(body, (message) => {
        const { content } = message;
        if (!isArray(content)) return message;
        return {
          ...message,
          content: content.map((part) => (isRecord(part) && part['type'] === type ? change(part) : part)),
        };
      }),
  };
}

/** Turns `reasoning_effort: none` into the switch of providers that have one (`thinking: {type: 'disabled'}`). */
export const thinkingSwitch: Amendment = {
  isNeeded: (body) => body['reasoning_effort'] === 'none' && body['thinking'] === undefined,
  apply: (body) => ({ ...withoutKeys(body, new Set(['reasoning_effort'])), thinking: { type: 'disabled' } }),
};

function isGiven(value: Json | undefined): boolean {
  return value !== undefined && value !== null;
}

function renamed(record: JsonRecord, from: string, to: string): JsonRecord {
  const { [from]: value, ...rest } = record;
  return value === undefined || isGiven(rest[to]) ? rest : { ...rest, [to]: value };
}

function withoutKeys(record: JsonRecord, names: ReadonlySet<string>): JsonRecord {
  return Object.fromEntries(Object.entries(record).filter(([key]) => !names.has(key)));
}

function someMessage(body: JsonRecord, test: (message: JsonRecord) => boolean): boolean {
  return (asArray(body['messages']) ?? []).some((message) => isRecord(message) && test(message));
}

function mapMessages(body: JsonRecord, change: (message: JsonRecord) => JsonRecord): JsonRecord {
  const messages = asArray(body['messages']) ?? [];
  return { ...body, messages: messages.map((message) => (isRecord(message) ? change(message) : message)) };
}

function callsOf(message: JsonRecord): readonly JsonRecord[] {
  return (asArray(message['tool_calls']) ?? []).filter(isRecord);
}

function mapCalls(message: JsonRecord, change: (call: JsonRecord) => JsonRecord): JsonRecord {
  const calls = message['tool_calls'];
  return isArray(calls)
    ? { ...message, tool_calls: calls.map((call) => (isRecord(call) ? change(call) : call)) }
    : message;
}
