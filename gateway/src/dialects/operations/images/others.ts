/** Pictures of Venice (docs.venice.ai/api-reference, `image/generate`) and of Imagen by Google's `predict`. */
import type { Fault } from '../../../chat/fault.ts';
import type { Loss } from '../../../chat/request.ts';
import { asArray, asCount, asRecord, asString, compact, type JsonRecord } from '../../../lib/json.ts';
import { err, ok, type Result } from '../../../lib/result.ts';
import type { AskedBody, AskedPath, EncodedAsk, NoReply, Wire, WireTarget } from '../operation.ts';
import { fieldReader, grave, hint, lostFields } from '../reading.ts';
import type { ImagesRequest, Picture, Pictures } from './request.ts';

const PROMPT_MAX = 100_000;
const SIDE_MAX = 16_384;
const VARIANTS_MAX = 16;
/** Width by height. */
const RATIOS = [
  ['1:1', 1],
  ['3:4', 3 / 4],
  ['4:3', 4 / 3],
  ['9:16', 9 / 16],
  ['16:9', 16 / 9],
] as const;

const PLAIN = { isStreaming: false, imageCount: 0, partialCount: 0 } as const;

export const veniceImages: Wire<ImagesRequest, Pictures> = {
  id: 'venice-images',
  modelField: 'model',
  decodeRequest: decodeVenice,
  encodeRequest: encodeVenice,
  decodeReply: decodeVeniceReply,
  encodeReply: (reply, _, context) => ({
    body: { id: context.requestId, images: reply.pictures.map(({ base64, url }) => base64 ?? url ?? '') },
    losses: [],
  }),
};

export const vertexImages: Wire<ImagesRequest, Pictures> = {
  id: 'vertex-images',
  decodeRequest: decodeVertex,
  encodeRequest: encodeVertex,
  decodeReply: decodeVertexReply,
  encodeReply: (reply) => ({
    body: {
      predictions: reply.pictures.map(({ base64, url, mediaType }) =>
        compact({ mimeType: mediaType, bytesBase64Encoded: base64, gcsUri: url }),
      ),
    },
    losses: [],
  }),
};

function decodeVenice({ record }: AskedBody): Result<ImagesRequest, Fault> {
  const read = fieldReader(record);
  const model = read.model();
  const prompt = read.needed('prompt', PROMPT_MAX);
  const width = read.whole('width', { min: 1, max: SIDE_MAX });
  const height = read.whole('height', { min: 1, max: SIDE_MAX });
  const count = read.whole('variants', { min: 1, max: VARIANTS_MAX });
  const fileType = read.text('format');
  const seed = read.whole('seed', { min: -(2 ** 53), max: 2 ** 53 });
  const extras = read.rest();
  const wrong = read.fault();
  if (wrong !== undefined) return err(wrong);
  const size = width === undefined || height === undefined ? undefined : { width, height };
  return ok(compact({ model, prompt, count, size, fileType, seed, extras, ...PLAIN }));
}

function commonLosses(request: ImagesRequest, id: string): readonly Loss[] {
  return [
    ...(request.isStreaming ? [grave('stream', `${id} has no streams.`)] : []),
    ...lostFields(request.extras, id),
  ];
}

function encodeVenice(request: ImagesRequest, target: WireTarget): EncodedAsk {
  const body = compact({
    model: target.model,
    prompt: request.prompt,
    width: request.size?.width,
    height: request.size?.height,
    variants: request.count,
    format: request.fileType,
    seed: request.seed,
    return_binary: false,
  });
  return { path: '/image/generate', body, losses: commonLosses(request, veniceImages.id) };
}

function decodeVeniceReply(body: JsonRecord): Result<Pictures, string> {
  const rows = asArray(body['images']);
  if (rows === undefined) return err('it has no pictures');
  const format = asString(asRecord(asRecord(body['request'])?.['data'])?.['format']);
  const pictures = rows.map((row): Picture =>
    compact({ base64: asString(row), mediaType: format === undefined ? undefined : `image/${format}` }),
  );
  if (pictures.some(({ base64 }) => base64 === undefined)) return err('one of its pictures is no text');
  return ok({ pictures, usage: { units: { images: pictures.length } }, extras: {} });
}

function decodeVertex({ record }: AskedBody, path: AskedPath): Result<ImagesRequest, Fault> {
  const read = fieldReader(record);
  const model = read.model(path.model);
  const prompt = asString(asRecord(asArray(record['instances'])?.[0])?.['prompt']);
  if (prompt === undefined) read.refuse('instances[0].prompt', 'it must be a string');
  const parameters = asRecord(record['parameters']);
  const wrong = read.fault();
  if (wrong !== undefined) return err(wrong);
  const count = asCount(parameters?.['sampleCount']);
  const seed = asCount(parameters?.['seed']);
  return ok(
    compact({ model, prompt: prompt ?? '', count, seed, extras: read.rest('instances', 'parameters'), ...PLAIN }),
  );
}

function encodeVertex(request: ImagesRequest, target: WireTarget): EncodedAsk {
  const losses: Loss[] = [...commonLosses(request, vertexImages.id)];
  const ratio = ratioOf(request, losses);
  const parameters = compact({
    sampleCount: request.count ?? 1,
    aspectRatio: ratio,
    seed: request.seed,
    outputOptions: request.fileType === undefined ? undefined : { mimeType: `image/${request.fileType}` },
  });
  const path = `/models/${encodeURIComponent(target.model)}:predict`;
  return { path, body: { instances: [{ prompt: request.prompt }], parameters }, losses };
}

/** Imagen knows five shapes and chooses the pixels itself. */
function ratioOf({ size }: ImagesRequest, losses: Loss[]): string | undefined {
  if (size === undefined) return undefined;
  const asked = Math.log(size.width / size.height);
  const distance = (ratio: number): number => Math.abs(asked - Math.log(ratio));
  const [nearest] = RATIOS.toSorted((a, b) => distance(a[1]) - distance(b[1]));
  if (nearest === undefined) return undefined;
  losses.push(hint('size', `Imagen chooses the pixels; the shape is ${nearest[0]}.`));
  return nearest[0];
}

/** Pictures that were filtered leave a reason in their place, and cost nothing. */
function decodeVertexReply(body: JsonRecord): Result<Pictures, NoReply> {
  const rows = asArray(body['predictions']);
  if (rows === undefined) return err('it has no pictures');
  const pictures: Picture[] = [];
  for (const row of rows) {
    const of = asRecord(row);
    const picture = compact({
      base64: asString(of?.['bytesBase64Encoded']),
      url: asString(of?.['gcsUri']),
      mediaType: asString(of?.['mimeType']),
    });
    if (picture.base64 !== undefined || picture.url !== undefined) pictures.push(picture);
  }
  const filtered = rows
    .map((row) => asString(asRecord(row)?.['raiFilteredReason']))
    .find((reason) => reason !== undefined);
  if (pictures.length === 0 && filtered !== undefined) return err({ filtered });
  return ok({ pictures, usage: { units: { images: pictures.length } }, extras: {} });
}
