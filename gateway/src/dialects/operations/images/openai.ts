/** OpenAI's pictures, made and edited (developers.openai.com/api/reference/resources/images); xAI and many others speak it. */
import type { Fault } from '../../../chat/fault.ts';
import type { Units, Usage } from '../../../chat/usage.ts';
import { asArray, asCount, asRecord, asString, compact, type Json, type JsonRecord } from '../../../lib/json.ts';
import { err, ok, type Result } from '../../../lib/result.ts';
import { checkAddress } from '../../openai-checks.ts';
import type { AskedBody, EncodedAsk, Form, Wire, WireTarget } from '../operation.ts';
import { fieldReader, type FieldReader } from '../reading.ts';
import type { ImagesRequest, Picture, Pictures } from './request.ts';

/** OpenAI takes 32,000 characters for its newest models. */
const PROMPT_MAX = 100_000;
const COUNT_MAX = 16;
const PARTIAL_MAX = 16;
const SIDE_MAX = 16_384;
/** Files of a form that are pictures; the brackets are how clients write a list. */
const PICTURE_FIELDS: ReadonlySet<string> = new Set(['image', 'image[]', 'mask']);

export const openaiImages: Wire<ImagesRequest, Pictures> = {
  id: 'openai-images',
  modelField: 'model',
  decodeRequest: (body) => decodeRequest(body, () => 0),
  encodeRequest: (request, target) => encodeRequest(request, target, '/images/generations'),
  decodeReply,
  encodeReply: (reply, request, context) => ({ body: encodeReply(reply, request, context.nowS), losses: [] }),
};

/** `multipart/form-data` with `image` or `image[]` and `mask`, or JSON with `images: [{image_url}]`. */
export const openaiImageEdits: Wire<ImagesRequest, Pictures> = {
  ...openaiImages,
  id: 'openai-image-edits',
  decodeRequest: (body) => decodeRequest(body, picturesGiven),
  encodeRequest: (request, target) => encodeRequest(request, target, '/images/edits'),
};

/** How many pictures there are to work on, masks included; what is wrong with one of them is told by its name. */
function picturesGiven({ form, record }: AskedBody, read: FieldReader): number {
  const count = form === undefined ? picturesInJson(record, read) : picturesInForm(form, read);
  if (count === 0) read.refuse('image', 'send at least one picture to work on');
  return count;
}

function picturesInForm({ parts }: Form, read: FieldReader): number {
  const files = parts.filter(({ name, filename }) => filename !== undefined && PICTURE_FIELDS.has(name));
  for (const { name, start, end } of files) if (start === end) read.refuse(name, 'it is empty');
  return files.length;
}

function picturesInJson({ images, mask }: JsonRecord, read: FieldReader): number {
  const given = asArray(images) ?? [];
  const named: readonly (readonly [string, Json | undefined])[] = [
    ...given.map((picture, index) => [`images[${index}]`, picture] as const),
    ['mask', mask],
  ];
  for (const [at, picture] of named) {
    const url = asString(asRecord(picture)?.['image_url']);
    const flaw = url === undefined ? undefined : checkAddress(url, 'image_url');
    if (flaw !== undefined) read.refuse(`${at}.image_url`, flaw);
  }
  return given.length === 0 ? 0 : given.length + (mask === undefined ? 0 : 1);
}

function decodeRequest(
  asked: AskedBody,
  picturesOf: (asked: AskedBody, read: FieldReader) => number,
): Result<ImagesRequest, Fault> {
  const { record, form } = asked;
  const read = fieldReader(record, form !== undefined);
  const model = read.model();
  const prompt = read.needed('prompt', PROMPT_MAX);
  const count = read.whole('n', { min: 1, max: COUNT_MAX });
  const size = sizeOf(read.text('size'), read);
  const format = read.oneOf('response_format', ['url', 'b64_json']);
  const fileType = read.text('output_format');
  const seed = read.whole('seed', { min: -(2 ** 53), max: 2 ** 53 });
  const isStreaming = read.flag('stream') ?? false;
  const partialCount = read.whole('partial_images', { min: 0, max: PARTIAL_MAX }) ?? 0;
  const imageCount = picturesOf(asked, read);
  const extras = read.rest();
  const user = record['user'] ?? undefined;
  if (user !== undefined && typeof user !== 'string') read.refuse('user', 'it must be a string');
  const wrong = read.fault();
  if (wrong !== undefined) return err(wrong);
  const delivery = format === undefined ? undefined : format === 'url' ? ('url' as const) : ('base64' as const);
  return ok(
    compact({ model, prompt, count, size, delivery, fileType, seed, isStreaming, imageCount, partialCount, extras }),
  );
}

function sizeOf(text: string | undefined, read: FieldReader): ImagesRequest['size'] {
  if (text === undefined || text === 'auto') return undefined;
  const match = /^(\d{1,5})x(\d{1,5})$/.exec(text);
  const width = Number(match?.[1]);
  const height = Number(match?.[2]);
  if (width >= 1 && height >= 1 && width <= SIDE_MAX && height <= SIDE_MAX) return { width, height };
  read.refuse('size', 'it must be `auto` or WIDTHxHEIGHT in pixels');
  return undefined;
}

function encodeRequest(request: ImagesRequest, target: WireTarget, path: string): EncodedAsk {
  const { size, delivery } = request;
  const body = compact({
    ...request.extras,
    model: target.model,
    prompt: request.prompt,
    n: request.count,
    size: size === undefined ? undefined : `${size.width}x${size.height}`,
    response_format: delivery === undefined ? undefined : delivery === 'url' ? 'url' : 'b64_json',
    output_format: request.fileType,
    seed: request.seed,
    stream: request.isStreaming ? true : undefined,
    partial_images: request.partialCount === 0 ? undefined : request.partialCount,
  });
  return { path, body, losses: [] };
}

function decodeReply(body: JsonRecord): Result<Pictures, string> {
  const { data, created, usage, ...extras } = body;
  const rows = asArray(data);
  if (rows === undefined) return err('it has no pictures');
  const pictures = rows.map(pictureOf);
  if (pictures.some(({ base64, url }) => base64 === undefined && url === undefined))
    return err('one of its pictures is empty');
  const units = { images: pictures.length };
  return ok(
    compact({ createdS: asCount(created) || undefined, pictures, usage: readImageUsage(usage, units), extras }),
  );
}

function pictureOf(row: Json): Picture {
  const of = asRecord(row);
  return compact({
    base64: asString(of?.['b64_json']),
    url: asString(of?.['url']),
    mediaType: asString(of?.['mime_type']),
    revisedPrompt: asString(of?.['revised_prompt']),
  });
}

/** Tokens of text and of pictures together: the price list tells them apart only where it says so. */
export function readImageUsage(value: Json | undefined, units: Units): Usage {
  const raw = asRecord(value);
  return compact({
    inputTokens: asCount(raw?.['input_tokens']),
    cachedInputTokens: asCount(asRecord(raw?.['input_tokens_details'])?.['cached_tokens']),
    outputTokens: asCount(raw?.['output_tokens']),
    units,
    raw,
  });
}

function encodeReply(reply: Pictures, request: ImagesRequest, nowS: number): JsonRecord {
  const { inputTokens, outputTokens } = reply.usage ?? {};
  return compact({
    created: reply.createdS ?? nowS,
    data: reply.pictures.map((picture) => pictureRow(picture, request)),
    usage:
      inputTokens === undefined || outputTokens === undefined
        ? undefined
        : { input_tokens: inputTokens, output_tokens: outputTokens, total_tokens: inputTokens + outputTokens },
  });
}

/** Nobody keeps pictures here: who asks for an address and gets bytes, gets them as one. */
function pictureRow(
  { base64, url, mediaType, revisedPrompt }: Picture,
  { delivery, fileType }: ImagesRequest,
): JsonRecord {
  const type = mediaType ?? `image/${fileType ?? 'png'}`;
  const isAddress = delivery === 'url' || base64 === undefined;
  return compact({
    ...(isAddress ? { url: url ?? `data:${type};base64,${base64 ?? ''}` } : { b64_json: base64 }),
    revised_prompt: revisedPrompt,
  });
}
