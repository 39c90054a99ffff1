/**
 * What reading and writing a body of `/v1/messages` changes in it, rule by rule. A rule brings the recorded body to the
 * form that we write; whatever no rule covers must come back equal to the last field. `applied` counts who needed which.
 */
import { isArray, isRecord, type Json, type JsonRecord } from '../../src/lib/json.ts';

export interface Rule {
  readonly name: string;
  readonly apply: (body: JsonRecord) => JsonRecord;
}

function mapList(record: JsonRecord, field: string, change: (item: JsonRecord) => JsonRecord): JsonRecord {
  const list = record[field];
  if (!isArray(list)) return record;
  return { ...record, [field]: list.map((item) => (isRecord(item) ? change(item) : item)) };
}

function without(record: JsonRecord, field: string): JsonRecord {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== field));
}

function plain(content: Json | undefined): Json | undefined {
  if (!isArray(content) || content.length !== 1) return content;
  const [only] = content;
  return isRecord(only) && only['type'] === 'text' && Object.keys(only).length === 2 ? only['text'] : content;
}

function blocks(content: Json | undefined): readonly Json[] {
  return isArray(content) ? content : [{ type: 'text', text: content ?? '' }];
}

function plainField(record: JsonRecord, field: string): JsonRecord {
  return record[field] === undefined ? record : { ...record, [field]: plain(record[field]) };
}

function mergedTurns(body: JsonRecord): JsonRecord {
  const merged: JsonRecord[] = [];
  for (const message of isArray(body['messages']) ? body['messages'] : []) {
    if (!isRecord(message)) continue;
    const last = merged.at(-1);
    if (last === undefined || last['role'] !== message['role'] || message['role'] === 'system') merged.push(message);
    else merged[merged.length - 1] = { ...last, content: [...blocks(last['content']), ...blocks(message['content'])] };
  }
  return { ...body, messages: merged };
}

export const REQUEST_RULES: readonly Rule[] = [
  { name: 'turns of one role in a row are one turn (the API joins them itself)', apply: mergedTurns },
  {
    name: 'one plain text block is written as its string (documented to be the same)',
    apply: (body) =>
      plainField(
        mapList(body, 'messages', (message) =>
          plainField(
            mapList(message, 'content', (block) =>
              block['type'] === 'tool_result' ? plainField(block, 'content') : block,
            ),
            'content',
          ),
        ),
        'system',
      ),
  },
  {
    name: '`stream: false` is the default',
    apply: (body) => (body['stream'] === false ? without(body, 'stream') : body),
  },
  {
    name: '`type: custom` is the default of a tool',
    apply: (body) => mapList(body, 'tools', (tool) => (tool['type'] === 'custom' ? without(tool, 'type') : tool)),
  },
  {
    name: 'an empty list of tools is none',
    apply: (body) => (isArray(body['tools']) && body['tools'].length === 0 ? without(body, 'tools') : body),
  },
];

export const RESPONSE_RULES: readonly Rule[] = [
  {
    name: '`stop_details` is always written, as the API does since 2026',
    apply: (body) => (body['stop_details'] === undefined ? { ...body, stop_details: null } : body),
  },
];

/** Counts for how many bodies each rule was needed. */
export class RuleBook {
  readonly counts = new Map<string, number>();
  readonly #rules: readonly Rule[];

  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
    for (const rule of rules) this.counts.set(rule.name, 0);
  }

  /** The body as we would write it. */
  expected(body: JsonRecord): JsonRecord {
    let current = body;
    for (const rule of this.#rules) {
      const next = rule.apply(current);
      if (JSON.stringify(next) !== JSON.stringify(current))
        this.counts.set(rule.name, (this.counts.get(rule.name) ?? 0) + 1);
      current = next;
    }
    return current;
  }

  lines(): readonly string[] {
    return [...this.counts].map(([name, count]) => `  ${String(count).padStart(4)} × ${name}`);
  }
}
