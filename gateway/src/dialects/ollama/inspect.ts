/** Reads and checks a body of `/api/chat` or `/api/generate` in one pass, without translating it. */
import type { Fault } from '../../chat/fault.ts';
import { asArray, asRecord, isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import {
  checkBooleans,
  checkCalls,
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
  isBase64,
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

/** Ollama itself takes larger files than any model reads. */
const PICTURE_MAX = 32 * 1024 * 1024;
const ROLES: ReadonlySet<unknown> = new Set(['system', 'user', 'assistant', 'tool']);
const THINK: ReadonlySet<unknown> = new Set([true, false, 'low', 'medium', 'high', 'max', 'none']);
/** -1 is no limit, -2 fills the context; both are taken. */
const PREDICT_MIN = -2;
const OPTIONS: Readonly<Record<string, Range>> = {
  num_predict: { min: PREDICT_MIN, max: TOKENS_MAX, isWhole: true },
  num_ctx: { min: 1, max: TOKENS_MAX, isWhole: true },
  temperature: { min: 0, max: 100 },
  top_p: { min: 0, max: 1 },
  min_p: { min: 0, max: 1 },
  top_k: { min: 0, max: 1_000_000, isWhole: true },
};

/** Checks a body and says what the router must know. `path.model` stands in where the body names none. */
export function inspect(body: JsonRecord, path: PathFacts): Result<Inspection, Fault> {
  const sight = newSight();
  const model = body['model'] ?? path.model;
  const problem = checkModel(model) ?? checkSaid(body, sight) ?? checkSettings(body, sight);
  if (problem !== undefined) return err(problem);
  const limit = asRecord(body['options'])?.['num_predict'];
  return ok({
    model: typeof model === 'string' ? model : '',
    // Both operations stream unless they are told not to.
    isStreaming: body['stream'] !== false,
    wantsStreamUsage: true,
    ...(typeof limit === 'number' && limit > 0 ? { maxOutputTokens: limit } : {}),
    choices: 1,
    messageCount: asArray(body['messages'])?.length ?? 1,
    ...seen(sight),
  });
}

function checkSaid(body: JsonRecord, sight: Sight): Problem {
  return isGenerate(body) ? checkPrompt(body, sight) : checkMessages(body['messages'], messageCheck(sight));
}

function checkSettings(body: JsonRecord, sight: Sight): Problem {
  return (
    checkTools(body['tools'], sight) ??
    checkOptions(body['options']) ??
    checkBooleans(body, 'stream') ??
    checkThink(body['think'], sight) ??
    checkFormat(body['format'], sight)
  );
}

/** Whether a body is one of `/api/generate`, which has a prompt instead of messages. */
export function isGenerate(body: JsonRecord): boolean {
  return body['messages'] === undefined && body['prompt'] !== undefined;
}

function checkPrompt(body: JsonRecord, sight: Sight): Problem {
  for (const field of ['prompt', 'system', 'suffix', 'template']) {
    const text = body[field];
    if (isAbsent(text)) continue;
    if (typeof text !== 'string') return invalid(field, `it must be a string, not ${found(text)}`);
    measureText(text, sight);
  }
  return checkPictures(body['images'], 'images', sight);
}

function messageCheck(sight: Sight): (message: JsonRecord, at: string) => Problem {
  return (message, at) => {
    const { role, content, thinking } = message;
    if (!ROLES.has(role)) return invalid(`${at}.role`, 'it must be system, user, assistant or tool');
    if (role === 'tool') sight.needs.add('tools');
    if (!isAbsent(content) && typeof content !== 'string')
      return invalid(`${at}.content`, `it must be a string, not ${found(content)}`);
    if (isAbsent(content) && role !== 'assistant') return missing(`${at}.content`, 'a message needs content');
    for (const text of [content, thinking]) if (typeof text === 'string') measureText(text, sight);
    return (
      checkPictures(message['images'], `${at}.images`, sight) ??
      checkCalls(message['tool_calls'], `${at}.tool_calls`, sight)
    );
  };
}

function checkPictures(images: Json | undefined, param: string, sight: Sight): Problem {
  if (isAbsent(images)) return undefined;
  if (!isArray(images)) return invalid(param, `it must be a list, not ${found(images)}`);
  if (images.length > 0) sight.needs.add('image');
  sight.imageCount += images.length;
  for (const [index, image] of images.entries()) {
    const reason = pictureFlaw(image);
    if (reason !== undefined) return invalid(`${param}[${index}]`, reason);
  }
  return undefined;
}

function pictureFlaw(image: Json): string | undefined {
  if (typeof image !== 'string' || image === '') return 'it must be a picture in base64';
  if (image.length > PICTURE_MAX) return `it is longer than ${PICTURE_MAX} characters`;
  const data = image.startsWith('data:') ? image.slice(image.indexOf(',') + 1) : image;
  return isBase64(data) ? undefined : 'it is not base64';
}

function checkOptions(options: Json | undefined): Problem {
  return checkObject(
    options,
    'options',
    (given) => checkRanges(given, OPTIONS, 'options.') ?? checkStops(given['stop'], 'options.stop'),
  );
}

function checkThink(think: Json | undefined, sight: Sight): Problem {
  if (isAbsent(think)) return undefined;
  if (!THINK.has(think)) return invalid('think', 'it must be true, false, low, medium, high or max');
  if (think !== false && think !== 'none') sight.needs.add('reasoning');
  return undefined;
}

function checkFormat(format: Json | undefined, sight: Sight): Problem {
  if (isAbsent(format) || format === '' || format === 'json') return undefined;
  if (!isRecord(format)) return invalid('format', 'it must be "json" or a JSON Schema');
  sight.needs.add('json-schema');
  return checkSchema(format, 'format', sight);
}
