/** Decides what a made-up model answers: the same request and seed, the same answer. No wire format in here. */
import type { Json, JsonRecord } from '../../lib/json.ts';
import { isArray, isRecord } from '../../lib/json.ts';
import type { Dice } from '../../lib/dice.ts';
import { between, diceOf } from './dice.ts';
import { instanceOf } from './instance.ts';
import { clip, excerpt, ponder, speak, tokensOf } from './words.ts';

/** Output tokens around which replies lie where nothing else is said. */
export const OUTPUT_TOKENS = 60;
/** No reply is made longer than this, whatever is asked: a simulator must not become the load. */
export const OUTPUT_TOKENS_MAX = 100_000;
const CHOICES_MAX = 128;
const TOOL_CALLS_MAX = 8;

export interface Tool {
  readonly name: string;
  /** JSON Schema of the arguments; absent where the tool takes none. */
  readonly schema: Json | undefined;
}

/** A chat request, in the words all dialects share. */
export interface Ask {
  readonly model: string;
  readonly isStreaming: boolean;
  /** Text of the last message of the user. */
  readonly prompt: string;
  /** Where a request has several, one for as many choices each, in order. */
  readonly prompts?: readonly string[];
  /** UTF-16 code units of everything that counts as input. */
  readonly inputLength: number;
  readonly maxTokens?: number;
  readonly choices: number;
  readonly stops: readonly string[];
  readonly tools: readonly Tool[];
  readonly toolChoice: 'auto' | 'none' | 'required' | { readonly name: string };
  readonly allowsParallelCalls: boolean;
  /** Whether the last message is the result of a tool: then the model speaks, so that an agent's loop ends. */
  readonly isAfterToolResult: boolean;
  readonly format: 'text' | 'json' | { readonly schema: Json };
  readonly wantsReasoning: boolean;
  readonly wantsStreamUsage: boolean;
}

export interface DraftToolCall {
  readonly name: string;
  /** JSON text. */
  readonly arguments: string;
}

export type DraftFinish = 'stop' | 'length' | 'tool-calls' | 'stop-sequence' | 'content-filter';

export interface DraftChoice {
  readonly reasoning: string;
  readonly text: string;
  readonly toolCalls: readonly DraftToolCall[];
  readonly finish: DraftFinish;
  readonly stopSequence?: string;
}

export interface DraftUsage {
  readonly inputTokens: number;
  /** Reasoning included. */
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  readonly cachedInputTokens: number;
}

export interface Draft {
  readonly choices: readonly DraftChoice[];
  readonly usage: DraftUsage;
}

/** Parts of a reply that a script sets; the rest is made up. */
export interface ScriptedReply {
  readonly text?: string;
  readonly reasoning?: string;
  readonly tool_calls?: readonly { readonly name: string; readonly arguments: JsonRecord | string }[];
  readonly finish?: DraftFinish;
  readonly usage?: {
    readonly input_tokens?: number;
    readonly output_tokens?: number;
    readonly reasoning_tokens?: number;
    readonly cached_input_tokens?: number;
  };
}

export interface ComposeOptions {
  readonly seed: number;
  /** Output tokens around which replies lie. */
  readonly outputTokens: number;
  readonly scripted?: ScriptedReply;
}

/** The reply to `ask`. */
export function compose(ask: Ask, options: ComposeOptions): Draft {
  const basis = `${options.seed}|${ask.model}|${ask.inputLength}|${ask.prompt}`;
  const count = Math.min(Math.max(1, ask.choices), CHOICES_MAX);
  const choices = Array.from({ length: count }, (_, index) =>
    amend(
      composeChoice({ ...ask, prompt: promptAt(ask, index) }, diceOf(`${basis}|${index}`), options),
      options.scripted,
    ),
  );
  const reasoningTokens = choices.reduce((sum, choice) => sum + tokensOf(choice.reasoning), 0);
  const outputTokens = choices.reduce((sum, choice) => sum + spokenTokens(choice), reasoningTokens);
  const usage = { inputTokens: inputTokens(ask), outputTokens, reasoningTokens, cachedInputTokens: 0 };
  return { choices, usage: amendUsage(usage, options.scripted) };
}

function promptAt({ prompt, prompts = [prompt], choices }: Ask, index: number): string {
  return prompts[Math.floor((index * prompts.length) / choices)] ?? prompt;
}

/** Input tokens of a request: four characters each, one at least. */
export function inputTokens(ask: Pick<Ask, 'inputLength'>): number {
  return Math.max(1, Math.ceil(ask.inputLength / 4));
}

function composeChoice(ask: Ask, dice: Dice, options: ComposeOptions): DraftChoice {
  const most = Math.min(ask.maxTokens ?? OUTPUT_TOKENS_MAX, OUTPUT_TOKENS_MAX);
  const wished = Math.max(1, Math.round(options.outputTokens * (0.5 + dice())));
  const reasoning = ask.wantsReasoning ? clip(ponder(dice, ask.prompt, Math.ceil(wished / 2)), most) : '';
  const toolCalls = callsFor(ask, dice);
  if (toolCalls.length > 0) return { reasoning, text: '', toolCalls, finish: 'tool-calls' };
  const whole = ask.format === 'text' ? speak(dice, ask.prompt, wished) : JSON.stringify(document(ask, dice));
  return endText(ask, { whole, reasoning, tokens: most - tokensOf(reasoning) });
}

/** The text as far as stop sequences and the token limit let it come. */
function endText(ask: Ask, of: { whole: string; reasoning: string; tokens: number }): DraftChoice {
  const clipped = clip(of.whole, of.tokens);
  const stopped = firstStop(clipped, ask.stops);
  const rest = { reasoning: of.reasoning, toolCalls: [] };
  if (stopped !== undefined) {
    return { ...rest, text: clipped.slice(0, stopped.at), finish: 'stop-sequence', stopSequence: stopped.sequence };
  }
  return { ...rest, text: clipped, finish: clipped.length < of.whole.length ? 'length' : 'stop' };
}

function firstStop(
  text: string,
  stops: readonly string[],
): { readonly at: number; readonly sequence: string } | undefined {
  let first: { readonly at: number; readonly sequence: string } | undefined;
  for (const sequence of stops) {
    const at = sequence === '' ? -1 : text.indexOf(sequence);
    if (at >= 0 && (first === undefined || at < first.at)) first = { at, sequence };
  }
  return first;
}

function document(ask: Ask, dice: Dice): Json {
  if (typeof ask.format === 'object') return instanceOf(ask.format.schema, dice);
  return {
    simulator: 'Turnout',
    note: 'No provider was called.',
    prompt: excerpt(ask.prompt),
    number: between(dice, 1, 100),
  };
}

function callsFor(ask: Ask, dice: Dice): readonly DraftToolCall[] {
  return toolsToCall(ask).map((tool) => ({
    name: tool.name,
    arguments: JSON.stringify(instanceOf(tool.schema ?? { type: 'object' }, dice)),
  }));
}

/** The tools that are called: those that must be, or those that the prompt asks for by name or as such. */
function toolsToCall(ask: Ask): readonly Tool[] {
  const { toolChoice, tools } = ask;
  if (toolChoice === 'none' || tools.length === 0) return [];
  if (typeof toolChoice === 'object') return tools.filter((tool) => tool.name === toolChoice.name).slice(0, 1);
  const named = tools.filter((tool) => names(ask.prompt, tool.name));
  const wanted = named.length > 0 ? named : tools.slice(0, 1);
  const most = ask.allowsParallelCalls ? TOOL_CALLS_MAX : 1;
  if (toolChoice === 'required') return wanted.slice(0, most);
  if (ask.isAfterToolResult) return [];
  const isAsked = named.length > 0 || /\b(?:call|use|invoke)\b.{0,40}\b(?:tool|function)s?\b/i.test(ask.prompt);
  return isAsked ? wanted.slice(0, most) : [];
}

/** Whether the prompt speaks of a tool: `get_weather` also as "get weather". */
function names(prompt: string, tool: string): boolean {
  const text = prompt.toLowerCase();
  const name = tool.toLowerCase();
  return text.includes(name) || text.includes(name.replaceAll(/[_-]/g, ' '));
}

function spokenTokens(choice: DraftChoice): number {
  return choice.toolCalls.reduce((sum, call) => sum + tokensOf(call.name + call.arguments), tokensOf(choice.text));
}

function amend(choice: DraftChoice, scripted: ScriptedReply | undefined): DraftChoice {
  if (scripted === undefined) return choice;
  const { text, tool_calls: calls, reasoning = choice.reasoning, finish } = scripted;
  if (text === undefined && calls === undefined) return { ...choice, reasoning, finish: finish ?? choice.finish };
  const toolCalls = (calls ?? []).map((call) => ({
    name: call.name,
    arguments: typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments),
  }));
  return { reasoning, text: text ?? '', toolCalls, finish: finish ?? (toolCalls.length > 0 ? 'tool-calls' : 'stop') };
}

function amendUsage(usage: DraftUsage, scripted: ScriptedReply | undefined): DraftUsage {
  const given = scripted?.usage;
  if (given === undefined) return usage;
  return {
    inputTokens: given.input_tokens ?? usage.inputTokens,
    outputTokens: given.output_tokens ?? usage.outputTokens,
    reasoningTokens: given.reasoning_tokens ?? usage.reasoningTokens,
    cachedInputTokens: given.cached_input_tokens ?? usage.cachedInputTokens,
  };
}

/** Keys whose strings are not prompt text: data, addresses and names of kinds. */
const NOT_TEXT = new Set([
  'data',
  'url',
  'image_url',
  'file_data',
  'type',
  'role',
  'id',
  'media_type',
  'mimeType',
  'fileUri',
  'thoughtSignature',
  'signature',
]);
const TEXT_DEPTH_MAX = 60;

/** UTF-16 code units of all the text in a value: what its tokens are counted from. */
export function textLength(value: Json | undefined, depth = 0): number {
  if (typeof value === 'string') return value.length;
  if (depth > TEXT_DEPTH_MAX) return 0;
  if (isArray(value)) return value.reduce<number>((sum, item) => sum + textLength(item, depth + 1), 0);
  if (!isRecord(value)) return 0;
  let sum = 0;
  for (const [key, item] of Object.entries(value)) if (!NOT_TEXT.has(key)) sum += textLength(item, depth + 1);
  return sum;
}
