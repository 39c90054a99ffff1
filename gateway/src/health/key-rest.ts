/**
 * Whether a key asked to be left alone, and not one of its models. Limits are told by model at the large providers and by
 * account at others, in the same words: where a second model of the key asks while the first still rests, it is the key.
 */

export class KeyRest {
  #targetId = '';
  #untilMs = 0;
  #keyUntilMs = 0;

  /** A target of the key asked to be left alone until then. */
  asked(targetId: string, untilMs: number, nowMs: number): void {
    const isSecond = targetId !== this.#targetId && this.#untilMs > nowMs;
    if (isSecond) this.#keyUntilMs = Math.max(this.#keyUntilMs, Math.min(this.#untilMs, untilMs));
    this.#targetId = targetId;
    this.#untilMs = untilMs;
  }

  /** Milliseconds until any model of the key may be used again; 0 if now. */
  restMs(nowMs: number): number {
    return Math.max(0, this.#keyUntilMs - nowMs);
  }
}
