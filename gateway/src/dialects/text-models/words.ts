/** A conversation for models that know only text: whose words it holds, and what has no place in a prompt. */
import { fieldName, reasoningField } from '../../chat/field-names.ts';
import type { MediaPart, Part, TextPart } from '../../chat/part.ts';
import type { ChatRequest, Message, Reasoning, Tool } from '../../chat/request.ts';
import { JSON_MODE_TEXT } from '../anthropic-messages/encode-request.ts';
import type { Turn } from './prompts.ts';
import type { LossList } from '../loss-list.ts';

const NO_TOOLS = 'This model takes a text alone, and no tools.';
const NO_CACHE = 'This model keeps no prompts.';

/** Names what is asked for beside words: tools, forms of the answer, thoughts. */
export function loseForms(request: ChatRequest, losses: LossList): void {
  const { format, reasoning = {} } = request;
  for (const tool of request.tools ?? []) loseTool(tool, tool.at ?? fieldName(request, 'tools'), losses);
  if (format?.kind === 'json-schema')
    losses.meaning('format', fieldName(request, 'format'), 'This model does not enforce a schema.');
  if (format?.kind === 'json')
    losses.hint(
      'json-mode',
      fieldName(request, 'format'),
      'There is no JSON mode; the prompt asks for one JSON object.',
    );
  if (wantsToThink(reasoning))
    losses.hint('reasoning', fieldName(request, reasoningField(reasoning)), 'This model does not reason.');
}

function wantsToThink({ effort = 'none', budgetTokens = 0 }: Reasoning): boolean {
  return effort !== 'none' || budgetTokens !== 0;
}

function loseTool(tool: Tool, at: string, losses: LossList): void {
  losses.meaning('opaque', at, NO_TOOLS);
  if (tool.kind === 'function' && tool.isCacheEnd === true) losses.hint('cache-mark', at, NO_CACHE);
}

/** Words only, neighbours of one role together. What is more than words is a loss. */
export function turnsOf(request: ChatRequest, losses: LossList): readonly Turn[] {
  const turns: Turn[] = [];
  for (const message of request.messages) {
    const role = roleOf(message);
    if (message.name !== undefined)
      losses.hint('name', `${message.at ?? 'messages'}.name`, 'Participants have no names here.');
    const text = message.parts.flatMap((part) => wordsOf(part, losses)).join('\n');
    const last = turns.at(-1);
    if (text === '') continue;
    if (last?.role === role) turns[turns.length - 1] = { role, text: `${last.text}\n${text}` };
    else turns.push({ role, text });
  }
  if (request.format?.kind === 'json') turns.unshift({ role: 'system', text: JSON_MODE_TEXT });
  return turns;
}

function roleOf({ role }: Message): Turn['role'] {
  if (role === 'system' || role === 'developer') return 'system';
  return role === 'assistant' ? 'assistant' : 'user';
}

function wordsOf(part: Part, losses: LossList): readonly string[] {
  const at = part.at ?? 'messages';
  if (part.cache !== undefined) losses.hint('cache-mark', at, NO_CACHE);
  switch (part.kind) {
    case 'text':
      loseBeside(part, losses);
      return part.text === '' ? [] : [part.text];
    case 'refusal':
      losses.hint('refusal', at, 'There are no refusals here; it is sent as plain text.');
      return [part.text];
    case 'reasoning':
      losses.hint('reasoning-history', at, 'Earlier reasoning has no place in a prompt.');
      return [];
    case 'tool-call':
    case 'tool-result':
      losses.meaning('opaque', at, NO_TOOLS);
      return [];
    case 'opaque':
      return [];
    default:
      return mediaWords(part, at, losses);
  }
}

function mediaWords({ kind, source, name }: MediaPart, at: string, losses: LossList): readonly string[] {
  if (source.by !== 'text') {
    losses.meaning('media-kind', at, `This model takes no ${kind}.`);
    return [];
  }
  losses.hint('document-as-text', at, 'The document stands in the prompt as text.');
  return [name === undefined ? source.text : `${name}\n\n${source.text}`];
}

/** What stands beside the words of a text. */
function loseBeside(part: TextPart, losses: LossList): void {
  const at = part.at ?? 'messages';
  if ((part.citations ?? []).length > 0) losses.hint('citations', at, 'A prompt holds words only.');
  if (part.signature !== undefined) losses.hint('signature', at, 'A prompt holds words only.');
}
