/** Does to an answer what a script or the chaos header asks: delays, breaks, false lengths, bytes that are not HTTP. */
import type { Answer, Framing, Stop } from './answer.ts';
import { withHeaders } from './answer.ts';
import type { Bytes, Effects, Place } from './step.ts';

const GARBAGE = Buffer.from('\x16\x03\x01 this is not HTTP \x00\xff\r\n\r\n', 'latin1');

export function bytesOf(bytes: Bytes): Buffer {
  return typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes.$base64, 'base64');
}

/** The answer with all effects applied. What the effects do not name stays as it was. */
export function applyEffects(base: Answer, effects: Effects): Answer {
  let answer: Answer = { ...base, ...timing(effects) };
  if (effects.status !== undefined) answer = { ...answer, status: effects.status };
  if (effects.reason !== undefined) answer = { ...answer, reason: effects.reason };
  if (effects.redirect !== undefined) answer = redirected(answer, effects);
  if (effects.headers !== undefined) answer = withHeaders(answer, effects.headers);
  const stop = stopOf(effects) ?? answer.stop;
  const instead = insteadOf(effects) ?? answer.instead;
  answer = framed(answer, effects);
  return {
    ...answer,
    ...(stop === undefined ? {} : { stop }),
    ...(instead === undefined ? {} : { instead }),
  };
}

type Timing = Pick<Answer, 'headAfterMs' | 'bodyAfterMs' | 'pieceAfterMs' | 'writeBytes' | 'closeAfterMs'>;

function timing(effects: Effects): Timing {
  const delay = typeof effects.delay_ms === 'number' ? { head: effects.delay_ms } : (effects.delay_ms ?? {});
  return {
    ...(delay.head === undefined ? {} : { headAfterMs: delay.head }),
    ...('body' in delay && delay.body !== undefined ? { bodyAfterMs: delay.body } : {}),
    ...(effects.chunk_delay_ms === undefined ? {} : { pieceAfterMs: effects.chunk_delay_ms }),
    ...(effects.bytes_each === undefined ? {} : { writeBytes: effects.bytes_each }),
    ...(effects.close_after_ms === undefined ? {} : { closeAfterMs: effects.close_after_ms }),
  };
}

function redirected(answer: Answer, effects: Effects): Answer {
  const status = effects.status ?? 302;
  const body = Buffer.alloc(0);
  return withHeaders(
    { ...answer, status, body, framing: { by: 'length', bytes: 0 } },
    { location: effects.redirect ?? '' },
  );
}

function stopOf(effects: Effects): Stop | undefined {
  if (effects.cut_at !== undefined) return stopAt('cut', effects.cut_at);
  if (effects.reset_at !== undefined) return stopAt('reset', effects.reset_at);
  if (effects.stall_at !== undefined) return stopAt('stall', effects.stall_at);
  return effects.end_at === undefined ? undefined : stopAt('end', effects.end_at);
}

function stopAt(how: Stop['how'], place: Place): Stop {
  if (typeof place === 'number') return { how, of: 'body', at: place };
  return 'head' in place ? { how, of: 'head', at: place.head } : { how, of: 'event', at: place.event };
}

function insteadOf(effects: Effects): Answer['instead'] {
  if (effects.close_before_reply === true) return 'close';
  if (effects.reset_before_reply === true) return 'reset';
  if (effects.never_reply === true) return 'silence';
  if (effects.raw !== undefined) return { raw: bytesOf(effects.raw) };
  if (effects.not_http === undefined || effects.not_http === false) return undefined;
  return { raw: effects.not_http === true ? GARBAGE : bytesOf(effects.not_http) };
}

const FRAMINGS: Readonly<Record<string, Framing>> = {
  close: { by: 'close' },
  chunked: { by: 'chunked', hasEnd: true },
  unfinished: { by: 'chunked', hasEnd: false },
};

function framed(given: Answer, { framing, content_length: length }: Effects): Answer {
  const fixed = FRAMINGS[framing ?? ''];
  if (length === undefined && framing !== 'length') return fixed === undefined ? given : { ...given, framing: fixed };
  const { answer, bytes } = counted(given);
  const wrong = typeof length === 'number' ? length : bytes + Number(length ?? 0);
  return { ...answer, framing: { by: 'length', bytes: Math.max(0, wrong) } };
}

/** The length of a body; one of pieces is made whole for it. Never asked of an endless one: `parseSteps` sees to that. */
function counted(answer: Answer): { readonly answer: Answer; readonly bytes: number } {
  if (Buffer.isBuffer(answer.body)) return { answer, bytes: answer.body.length };
  if (answer.framing.by === 'length') return { answer, bytes: answer.framing.bytes };
  const body = Array.from(answer.body);
  return { answer: { ...answer, body }, bytes: body.reduce((sum, piece) => sum + piece.bytes.length, 0) };
}
