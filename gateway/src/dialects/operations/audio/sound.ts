/** How long a sound lasts, from its bytes: exactly where it is a WAV, else within bounds. */

/** The thriftiest speech codec in use (Opus at 6 kbit/s): nothing lasts longer than this makes it. */
const BYTES_PER_SECOND_MIN = 750;
/** What recordings of speech are mostly (MP3 and AAC at 64 to 128 kbit/s). */
const BYTES_PER_SECOND_USUAL = 12_000;
/** Where the format chunk of a plain WAV ends. */
const WAV_HEAD_BYTES = 44;

export interface Duration {
  readonly secondsEstimate: number;
  readonly secondsMax: number;
}

/** Whole seconds, rounded up: a part of a second is billed as one. */
export function durationOf(sound: Buffer): Duration {
  const exact = wavSeconds(sound);
  if (exact !== undefined) return { secondsEstimate: exact, secondsMax: exact };
  return {
    secondsEstimate: Math.ceil(sound.length / BYTES_PER_SECOND_USUAL),
    secondsMax: Math.ceil(sound.length / BYTES_PER_SECOND_MIN),
  };
}

/** Bytes of sound by bytes a second, as the head says (RIFF/WAVE: byte rate at offset 28). */
function wavSeconds(sound: Buffer): number | undefined {
  const isWav =
    sound.length >= WAV_HEAD_BYTES &&
    sound.toString('latin1', 0, 4) === 'RIFF' &&
    sound.toString('latin1', 8, 16) === 'WAVEfmt ';
  if (!isWav) return undefined;
  const bytesPerSecond = sound.readUInt32LE(28);
  return bytesPerSecond < BYTES_PER_SECOND_MIN
    ? undefined
    : Math.ceil((sound.length - WAV_HEAD_BYTES) / bytesPerSecond);
}
