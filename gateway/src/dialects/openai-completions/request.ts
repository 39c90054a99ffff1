/** A body of this wire in the words of `chat`: a prompt is what the user says, and the rest is that of a chat. */
import type { Fault } from '../../chat/fault.ts';
import type { ChatRequest, Extra } from '../../chat/request.ts';
import type { JsonRecord } from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { PathFacts, Unfit } from '../dialect.ts';
import { decodeRequest as decodeChat } from '../openai-chat/request.ts';
import { inspect } from './inspect.ts';
import { HOME, promptsOf } from './wire.ts';

const PROMPT = 'prompt';

/** Reads a body. Of several prompts, or of token numbers, only this wire knows what is meant. */
export function decodeRequest(body: JsonRecord, path: PathFacts): Result<ChatRequest, Fault> {
  const inspected = inspect(body, path);
  if (!inspected.ok) return inspected;
  const { prompt, ...rest } = body;
  const read = promptsOf(prompt);
  const [text, ...more] = read?.kind === 'texts' ? read.list : [];
  const isWhole = text !== undefined && more.length === 0;
  const messages = [{ role: 'user', content: isWhole ? text : '' }];
  const chat = decodeChat({ ...rest, messages }, path);
  if (!chat.ok) return chat;
  const { extras } = chat.value;
  return ok({
    ...chat.value,
    origin: HOME,
    messages: [{ role: 'user', parts: isWhole ? [{ kind: 'text', text, at: PROMPT }] : [], at: PROMPT }],
    extras: [
      ...extras.map((extra) => weighed(extra, body)),
      ...(isWhole || prompt === undefined ? [] : [{ field: PROMPT, value: prompt, weight: 'meaning' as const }]),
    ],
  });
}

/** What asks for nothing is no loss; else these fields change what the answer is. */
function weighed(extra: Extra, { n }: JsonRecord): Extra {
  const { field, value } = extra;
  const isIdle =
    (field === 'echo' && value === false) ||
    (field === 'suffix' && value === '') ||
    (field === 'best_of' && (value === 1 || value === n));
  return isIdle ? { ...extra, weight: 'hint', isCovered: true } : extra;
}

const TOKENS =
  'Token numbers mean something to one model alone, and only its text completions take them. Send the text.';
const STREAM = 'Each prompt is a request of its own there, and several make no one stream. Send one, or do not stream.';

/** A body for each prompt: another wire has room for one. */
export function apart(body: JsonRecord): Result<readonly JsonRecord[], Unfit> {
  const prompts = promptsOf(body[PROMPT]);
  if (prompts?.kind === 'tokens') return err({ param: PROMPT, reason: TOKENS });
  if (prompts === undefined || prompts.list.length === 1) return ok([body]);
  if (body['stream'] === true) return err({ param: PROMPT, reason: STREAM });
  return ok(prompts.list.map((prompt) => ({ ...body, prompt })));
}
