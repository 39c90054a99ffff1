/** Reads and checks a body in one pass. What it shares with a chat's is checked as a chat's is. */
import type { Fault } from '../../chat/fault.ts';
import { asNumber, isArray, type Json, type JsonRecord } from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Inspection, PathFacts } from '../dialect.ts';
import { inspect as inspectChat } from '../openai-chat/inspect.ts';
import { checkBooleans, checkModel, checkRanges, found, invalid, isAbsent, missing, type Range } from '../checks.ts';
import { promptsOf, type Prompts } from './wire.ts';

/** OpenAI's own bound; the answers to more make a reply too long to be kept. */
const PROMPTS_MAX = 2048;
/** About as many characters make a token. */
const CHARACTERS_PER_TOKEN = 4;
/** OpenAI's own bound. */
const RANGES: Readonly<Record<string, Range>> = { best_of: { min: 1, max: 20, isWhole: true } };

/** Checks a body and says what the router must know. */
export function inspect(body: JsonRecord, path: PathFacts): Result<Inspection, Fault> {
  const wrong = checkModel(body['model'] ?? path.model) ?? checkOwn(body);
  if (wrong !== undefined) return err(wrong);
  const prompts = promptsOf(body['prompt']);
  if (prompts === undefined) return err(unreadable(body['prompt']));
  if (prompts.list.length > PROMPTS_MAX) return err(invalid('prompt', `it has more than ${PROMPTS_MAX} entries`));
  const seen = inspectChat(asked(body, prompts), path);
  if (!seen.ok) return seen;
  const tokens = prompts.kind === 'tokens' ? prompts.list.reduce((sum, count) => sum + count, 0) : 0;
  // All that are made are paid for, also those that are not handed out.
  const made = Math.max(seen.value.choices, asNumber(body['best_of']) ?? 1);
  return ok({
    ...seen.value,
    choices: made * prompts.list.length,
    textLength: seen.value.textLength + tokens * CHARACTERS_PER_TOKEN,
  });
}

function checkOwn(body: JsonRecord): Fault | undefined {
  const { suffix } = body;
  if (!isAbsent(suffix) && typeof suffix !== 'string')
    return invalid('suffix', `it must be a string, not ${found(suffix)}`);
  return checkBooleans(body, 'echo') ?? checkRanges(body, RANGES);
}

function unreadable(prompt: Json | undefined): Fault {
  if (isAbsent(prompt)) return missing('prompt', 'send the text to go on with');
  if (!isArray(prompt)) return invalid('prompt', `it must be a string or an array, not ${found(prompt)}`);
  return invalid('prompt', 'it must be an array of strings, of token numbers, or of arrays of token numbers');
}

/** The body as a chat with a message a prompt, to be checked and measured. */
function asked(body: JsonRecord, { kind, list }: Prompts): JsonRecord {
  const { prompt: _, suffix, ...rest } = body;
  const texts: readonly string[] = kind === 'texts' ? list : [''];
  const all = typeof suffix === 'string' ? [...texts, suffix] : texts;
  return { ...rest, messages: all.map((content) => ({ role: 'user', content })) };
}
