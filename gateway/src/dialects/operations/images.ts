/** Pictures, made from words or from other pictures. */
import { asRecord, asString, compact } from '../../lib/json.ts';
import { nonAsciiUnits } from '../text-size.ts';
import { openaiImageEdits, openaiImages, readImageUsage } from './images/openai.ts';
import { veniceImages, vertexImages } from './images/others.ts';
import type { ImagesRequest, Pictures } from './images/request.ts';
import type { Operation, OperationId, Size } from './operation.ts';

/** The dearest picture of a million and a half pixels (gpt-image-2, high: 7,024 tokens), rounded up. */
const PICTURE_TOKENS_MAX = 8000;
const PICTURE_PIXELS = 1024 * 1536;
/** Each unfinished picture that a stream shows costs a hundred output tokens (developers.openai.com, "Image generation"). */
const PARTIAL_TOKENS = 100;

export const images = imagesOf('images', 'image_generation.completed', {
  'openai-images': openaiImages,
  'venice-images': veniceImages,
  'vertex-images': vertexImages,
});

export const imageEdits = imagesOf('image-edits', 'image_edit.completed', { 'openai-image-edits': openaiImageEdits });

/** `event`: what tells of a finished picture in a stream. */
function imagesOf(
  id: OperationId,
  event: string,
  wires: Operation<ImagesRequest, Pictures>['wires'],
): Operation<ImagesRequest, Pictures> {
  return {
    id,
    wires,
    sizeOf,
    textsOf: ({ prompt }) => [prompt],
    answerOf: (request) => (request.isStreaming ? 'events' : 'json'),
    usageOf: (reply) => reply.usage,
    usageIn: (body) =>
      asRecord(body['usage']) === undefined ? undefined : readImageUsage(body['usage'], { images: 1 }),
    eventsOf: ({ createdS, pictures, usage, extras }) =>
      pictures.map(({ base64, url }) =>
        compact({ ...extras, type: event, b64_json: base64, url, created_at: createdS, usage: usage?.raw }),
      ),
    isAsAsked: ({ pictures }, { delivery }) =>
      delivery !== 'url' || pictures.every(({ url }) => url !== undefined && asString(url) !== ''),
  };
}

function sizeOf({ prompt, count = 1, size, imageCount, partialCount }: ImagesRequest): Size {
  const share = size === undefined ? 1 : Math.max(1, (size.width * size.height) / PICTURE_PIXELS);
  return {
    textLength: prompt.length,
    nonAsciiLength: nonAsciiUnits(prompt),
    longestLength: 0,
    imageCount,
    tokensMax: 0,
    tokensEstimate: 0,
    outputTokensMax: Math.ceil(PICTURE_TOKENS_MAX * share) + partialCount * PARTIAL_TOKENS,
    choices: count,
    unitsMax: { images: count },
  };
}
