/** Reads and checks a body of `/v2/chat` in one pass, without translating it; one of `/v1/chat` too, as far as it was recorded. */
import type { Fault } from '../../chat/fault.ts';
import { asArray, asRecord, isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import {
  checkBooleans,
  checkCalls,
  checkItems,
  checkMessages,
  checkModel,
  checkObject,
  checkRanges,
  checkSchema,
  checkStops,
  checkTools,
  found,
  invalid,
  isAbsent,
  measure,
  measureText,
  missing,
  newSight,
  seen,
  TOKENS_MAX,
  type Problem,
  type Range,
  type Sight,
} from '../checks.ts';
import type { Inspection, PathFacts } from '../dialect.ts';

const ROLES: ReadonlySet<unknown> = new Set(['system', 'user', 'assistant', 'tool']);
const PARTS: ReadonlySet<unknown> = new Set(['text', 'image_url', 'thinking', 'document']);
/** Cohere takes 20 MB a request; one picture cannot be longer. */
const PICTURE_MAX = 32 * 1024 * 1024;
const PICTURE = /^(?:https?:\/\/|data:image\/)/i;
/** Documented at docs.cohere.com/reference/chat. */
const RANGES: Readonly<Record<string, Range>> = {
  max_tokens: { min: 0, max: TOKENS_MAX, isWhole: true },
  temperature: { min: 0, max: 100 },
  p: { min: 0, max: 1 },
  k: { min: 0, max: 500, isWhole: true },
  frequency_penalty: { min: 0, max: 1 },
  presence_penalty: { min: 0, max: 1 },
};

/** Checks a body and says what the router must know. `path.model` stands in where the body names none (v1). */
export function inspect(body: JsonRecord, path: PathFacts): Result<Inspection, Fault> {
  const sight = newSight();
  const model = body['model'] ?? path.model;
  const problem = checkModel(model) ?? checkSaid(body, sight) ?? checkSettings(body, sight);
  if (problem !== undefined) return err(problem);
  const limit = body['max_tokens'];
  return ok({
    model: typeof model === 'string' ? model : '',
    isStreaming: body['stream'] === true,
    wantsStreamUsage: true,
    ...(typeof limit === 'number' ? { maxOutputTokens: limit } : {}),
    choices: 1,
    messageCount: asArray(body['messages'])?.length ?? (asArray(body['chat_history'])?.length ?? 0) + 1,
    ...seen(sight),
  });
}

/** Whether a body is one of `/v1/chat`, which has a message and the history before it. */
export function isV1(body: JsonRecord): boolean {
  return body['messages'] === undefined && body['message'] !== undefined;
}

function checkSaid(body: JsonRecord, sight: Sight): Problem {
  if (!isV1(body)) return checkMessages(body['messages'], messageCheck(sight)) ?? checkDocuments(body, sight);
  if (typeof body['message'] !== 'string')
    return invalid('message', `it must be a string, not ${found(body['message'])}`);
  measureText(body['message'], sight);
  for (const field of ['preamble', 'chat_history', 'documents']) measure(body[field], sight);
  return undefined;
}

function checkDocuments(body: JsonRecord, sight: Sight): Problem {
  const { documents } = body;
  if (isAbsent(documents)) return undefined;
  if (!isArray(documents)) return invalid('documents', `it must be a list, not ${found(documents)}`);
  measure(documents, sight);
  return undefined;
}

function messageCheck(sight: Sight): (message: JsonRecord, at: string) => Problem {
  return (message, at) => {
    const role = message['role'];
    if (!ROLES.has(role)) return invalid(`${at}.role`, 'it must be system, user, assistant or tool');
    if (role === 'tool') {
      sight.needs.add('tools');
      if (typeof message['tool_call_id'] !== 'string')
        return missing(`${at}.tool_call_id`, 'name the call that this is the result of');
    }
    if (typeof message['tool_plan'] === 'string') measureText(message['tool_plan'], sight);
    return (
      checkCalls(message['tool_calls'], `${at}.tool_calls`, sight) ??
      checkContent(message['content'], { at: `${at}.content`, mayLack: role === 'assistant' }, sight)
    );
  };
}

function checkContent(
  content: Json | undefined,
  { at, mayLack }: { readonly at: string; readonly mayLack: boolean },
  sight: Sight,
): Problem {
  if (isAbsent(content)) return mayLack ? undefined : missing(at, 'a message needs content');
  if (typeof content === 'string') {
    measureText(content, sight);
    return undefined;
  }
  if (!isArray(content)) return invalid(at, `it must be a text or a list of parts, not ${found(content)}`);
  return checkItems(content, at, (part, place) => checkPart(part, place, sight));
}

function checkPart(part: JsonRecord, at: string, sight: Sight): Problem {
  const { type } = part;
  if (!PARTS.has(type)) return invalid(`${at}.type`, 'it must be text, image_url, thinking or document');
  if (type === 'image_url') return checkPicture(part, at, sight);
  if (type === 'text' && typeof part['text'] !== 'string') return invalid(`${at}.text`, 'it must be a string');
  measure(part, sight);
  return undefined;
}

function checkPicture(part: JsonRecord, at: string, sight: Sight): Problem {
  sight.needs.add('image');
  sight.imageCount += 1;
  const url = asRecord(part['image_url'])?.['url'];
  const param = `${at}.image_url.url`;
  if (typeof url !== 'string' || !PICTURE.test(url.slice(0, 16)))
    return invalid(param, 'it must be a web address, or a data: URL of an image');
  return url.length > PICTURE_MAX ? invalid(param, `it is longer than ${PICTURE_MAX} characters`) : undefined;
}

function checkSettings(body: JsonRecord, sight: Sight): Problem {
  return (
    // Tools of v1 have another form, and none was recorded.
    (isV1(body) ? undefined : checkTools(body['tools'], sight)) ??
    checkChoice(body['tool_choice']) ??
    checkRanges(body, RANGES) ??
    checkStops(body['stop_sequences'], 'stop_sequences') ??
    checkBooleans(body, 'stream', 'logprobs', 'strict_tools') ??
    checkThinking(body['thinking'], sight) ??
    checkFormat(body['response_format'], sight)
  );
}

function checkChoice(choice: Json | undefined): Problem {
  if (isAbsent(choice) || choice === 'REQUIRED' || choice === 'NONE') return undefined;
  return invalid('tool_choice', 'it must be REQUIRED or NONE');
}

function checkThinking(thinking: Json | undefined, sight: Sight): Problem {
  return checkObject(thinking, 'thinking', (given) => {
    if (given['type'] === 'disabled') return undefined;
    if (given['type'] !== 'enabled') return invalid('thinking.type', 'it must be enabled or disabled');
    sight.needs.add('reasoning');
    return checkRanges(given, { token_budget: { min: 1, max: TOKENS_MAX, isWhole: true } }, 'thinking.');
  });
}

function checkFormat(format: Json | undefined, sight: Sight): Problem {
  if (isAbsent(format)) return undefined;
  if (!isRecord(format)) return invalid('response_format', `it must be an object, not ${found(format)}`);
  if (format['type'] === 'text') return undefined;
  if (format['type'] !== 'json_object') return invalid('response_format.type', 'it must be text or json_object');
  const schema = format['json_schema'] ?? format['schema'];
  if (isAbsent(schema)) return undefined;
  if (!isRecord(schema))
    return invalid('response_format.json_schema', `it must be a JSON Schema, not ${found(schema)}`);
  sight.needs.add('json-schema');
  return checkSchema(schema, 'response_format.json_schema', sight);
}
