/** Where an agent's run stands: turns, tools' results, calls that failed, calls made again with the same arguments. */
import type { ChatRequest, Message } from '../chat/request.ts';
import type { ToolCallPart, ToolResultPart } from '../chat/part.ts';
import { asRecord, parseJson } from '../lib/json.ts';
import type { STAGES } from '../policy/vocabulary.ts';
import { hasText } from './texts.ts';

export interface Stage {
  /** `agent-step`: the model goes on after results. `agent-stuck`: so, and it fails or repeats itself. */
  readonly kind: (typeof STAGES)[number];
  /** Messages of the user that hold text. */
  readonly turns: number;
  readonly toolResults: number;
  /** Results that say they are an error, in the whole conversation. */
  readonly failedCalls: number;
  /** Calls that were made before in the same run, with the same name and arguments. */
  readonly repeatedCalls: number;
}

/** The last results all failed, this many: an agent that goes on as before will fail again. */
const FAILED_IN_A_ROW = 3;
/** The same call, made this many times in one run beyond the first. Twice may be a look after a change. */
const REPEATED_MIN = 2;
/** Errors are told at the beginning of a result, or on its last line. */
const LOOK_MAX = 400;
/** How tools begin the text of a failure (coding tools, shells, Python, JavaScript, MCP servers). */
const FAILURE =
  /^\s*(?:<(?:tool_use_)?error>|\[?error\]?\b[ :(]|fatal: |uncaught |exception\b|traceback \(most recent call last\)|\w{0,40}(?:error|exception): |failed(?: to|:)|command failed|(?:process |command )?exit(?:ed with)?(?: code| status)?:? (?:code )?[1-9]\d{0,2}\b|permission denied|(?:no such file|file (?:not found|does not exist))|enoent\b|eacces\b|tool (?:call |execution )?failed|invalid (?:arguments|parameters|tool)|mcp error|unknown tool|timed out|timeout\b)/i;
const FAILURE_END =
  /(?:command not found|no such file or directory|permission denied|exit(?:ed with)? (?:code|status):? [1-9]\d{0,2}|process exited with code [1-9]\d{0,2})\W{0,4}$/i;

/** What the conversation shows of a run. Linear in the number of parts; of each result only its beginning and end are read. */
export function stageOf({ messages, tools }: ChatRequest): Stage {
  const results = messages.flatMap(resultsOf);
  const failures = results.map(hasFailed);
  const repeatedCalls = repeats(lastRun(messages));
  const turns = messages.filter((message) => message.role === 'user' && hasText(message)).length;
  const counts = {
    turns,
    toolResults: results.length,
    failedCalls: failures.filter(Boolean).length,
    repeatedCalls,
  };
  if (messages.at(-1)?.role === 'tool') {
    const run = resultsIn(lastRun(messages));
    const isFailing = run >= FAILED_IN_A_ROW && failures.slice(-FAILED_IN_A_ROW).every(Boolean);
    return { kind: isFailing || repeatedCalls >= REPEATED_MIN ? 'agent-stuck' : 'agent-step', ...counts };
  }
  if (tools !== undefined && tools.length > 0) return { kind: 'agent-start', ...counts };
  return { kind: messages.some(({ role }) => role === 'assistant') ? 'chat' : 'single', ...counts };
}

/** For what is no chat. */
export const SINGLE: Stage = { kind: 'single', turns: 1, toolResults: 0, failedCalls: 0, repeatedCalls: 0 };

/** The messages since the user spoke last. */
function lastRun(messages: readonly Message[]): readonly Message[] {
  const from = messages.findLastIndex((message) => message.role === 'user' && hasText(message));
  return messages.slice(from + 1);
}

function resultsOf({ parts }: Message): readonly ToolResultPart[] {
  return parts.filter((part) => part.kind === 'tool-result');
}

function resultsIn(messages: readonly Message[]): number {
  return messages.reduce((sum, message) => sum + resultsOf(message).length, 0);
}

function repeats(messages: readonly Message[]): number {
  const seen = new Set<string>();
  let again = 0;
  for (const call of messages.flatMap(({ parts }) => parts.filter((part) => part.kind === 'tool-call'))) {
    const key = keyOf(call);
    if (seen.has(key)) again++;
    seen.add(key);
  }
  return again;
}

/** Two calls are the same where name and arguments are, but for spaces between them. */
function keyOf({ name, arguments: given }: ToolCallPart): string {
  return `${name}\n${given.trim()}`;
}

function hasFailed({ isError, parts, value }: ToolResultPart): boolean {
  if (isError !== undefined) return isError;
  if (value !== undefined) return saysError(value);
  const texts = parts.flatMap((part) => (part.kind === 'text' ? [part.text] : []));
  const [first = ''] = texts;
  const last = texts.at(-1) ?? '';
  return FAILURE.test(first.slice(0, LOOK_MAX)) || FAILURE_END.test(last.slice(-LOOK_MAX)) || isErrorJson(first);
}

/** A small JSON object that says so itself. Larger ones are what was asked for. */
function isErrorJson(text: string): boolean {
  if (text.length > LOOK_MAX || !text.trimStart().startsWith('{')) return false;
  const value = asRecord(parseJson(text));
  return value !== undefined && saysError(value);
}

function saysError(value: { readonly [field: string]: unknown }): boolean {
  const { error, isError, is_error, success, ok, status } = value;
  if (error !== undefined && error !== null && error !== false && error !== '') return true;
  return isError === true || is_error === true || success === false || ok === false || status === 'error';
}
