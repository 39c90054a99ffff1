/**
 * Turns of conversations that other processes keep: whoever misses one asks all, and whoever has it says it, with those before
 * it. What is said is sealed: nobody who only listens can read it, and no file ever holds it.
 */
import { asArray, asRecord, asString, type JsonRecord } from '../lib/json.ts';
import { sealed, unsealed } from './sealed.ts';
import type { Voice } from '../shared/count.ts';
import type { KeptTurns, StoredTurn } from './ports.ts';

const CHANNEL = 'turnout:turns';
/** Others answer within a few milliseconds; a request waits no longer for one that is busy, or has gone. */
const ANSWER_MS = 300;
/**
 * Of one answer; a longer conversation comes in several. Escaped and sealed it is up to three times as long, and Valkey cuts
 * all who listen off where more than 32 MB wait for them (`client-output-buffer-limit pubsub`).
 */
const BYTES_MAX = 4 * 1024 * 1024;
/** Parts of one conversation that lie with different processes, or come in several answers. */
const ROUNDS_MAX = 16;
/** Longer than any conversation. */
const TURNS_MAX = 2000;

export interface TogetherOptions {
  readonly voice: Voice;
  readonly processId: string;
  /** The same in all processes: who has another is not understood. */
  readonly key: Buffer;
}

/** A question to all others, while it is open. */
interface Asked {
  readonly id: string;
  readonly keyId: string;
  /** Those who have said that they do not have it. */
  readonly without: Set<string>;
  /** Answered, or given up. */
  readonly done: () => void;
}

class TurnsTogether implements KeptTurns {
  readonly #own: KeptTurns;
  readonly #options: TogetherOptions;
  readonly #asked = new Set<Asked>();
  /** Processes that answer: when all of them have said no, nobody else is waited for. Undefined until one question was open to its end. */
  #others: Set<string> | undefined;

  constructor(own: KeptTurns, options: TogetherOptions) {
    this.#own = own;
    this.#options = options;
    options.voice.listen(CHANNEL, (text) => {
      const said = unsealed(text, options.key);
      if (said !== undefined && said['by'] !== options.processId) this.#hear(said);
    });
  }

  put(turn: StoredTurn): void {
    this.#own.put(turn);
  }

  get(id: string, keyId: string): StoredTurn | undefined {
    return this.#own.get(id, keyId);
  }

  remove(id: string, keyId: string): boolean {
    this.#say({ kind: 'remove', id, key: keyId });
    return this.#own.remove(id, keyId);
  }

  size(): ReturnType<KeptTurns['size']> {
    return this.#own.size();
  }

  fetch(id: string, keyId: string): Promise<void> | undefined {
    const missing = this.#missingOf(id, keyId);
    return missing === undefined ? undefined : this.#fetchFrom(missing, { id, keyId });
  }

  async #fetchFrom(first: string, { id, keyId }: Pick<Asked, 'id' | 'keyId'>): Promise<void> {
    let missing: string | undefined = first;
    for (let round = 0; missing !== undefined && round < ROUNDS_MAX; round += 1) {
      await this.#ask(missing, keyId);
      if (this.#own.get(missing, keyId) === undefined) return;
      missing = this.#missingOf(id, keyId);
    }
  }

  /** The latest turn of the conversation that is not here. */
  #missingOf(id: string, keyId: string): string | undefined {
    let next: string | undefined = id;
    for (let count = 0; next !== undefined && count < TURNS_MAX; count += 1) {
      const turn = this.#own.get(next, keyId);
      if (turn === undefined) return next;
      next = turn.previousId;
    }
    return undefined;
  }

  #ask(id: string, keyId: string): Promise<void> {
    return new Promise((resolve) => {
      const asked: Asked = {
        id,
        keyId,
        without: new Set(),
        done: () => {
          clearTimeout(timer);
          this.#asked.delete(asked);
          resolve();
        },
      };
      const timer = setTimeout(() => {
        // Who has not answered may have ended.
        this.#others = asked.without;
        asked.done();
      }, ANSWER_MS);
      this.#asked.add(asked);
      this.#say({ kind: 'ask', id, key: keyId });
    });
  }

  #say(said: JsonRecord): void {
    const { voice, key, processId } = this.#options;
    voice.say(CHANNEL, sealed({ ...said, by: processId }, key));
  }

  #hear(said: JsonRecord): void {
    const [by, id, keyId] = [asString(said['by']), asString(said['id']), asString(said['key'])];
    if (by === undefined || id === undefined || keyId === undefined) return;
    if (said['kind'] === 'ask') this.#answer({ id, keyId, to: by });
    else if (said['kind'] === 'remove') this.#own.remove(id, keyId);
    else if (said['kind'] === 'answer' && said['to'] === this.#options.processId)
      this.#answered({ by, id, keyId }, turnsIn(said, keyId));
  }

  #answer({ id, keyId, to }: { readonly id: string; readonly keyId: string; readonly to: string }): void {
    const turns: JsonRecord[] = [];
    let bytes = 0;
    for (let next: string | undefined = id; next !== undefined && turns.length < TURNS_MAX;) {
      const turn = this.#own.get(next, keyId);
      if (turn === undefined) break;
      bytes += Buffer.byteLength(turn.text);
      // The one that was asked for in any case.
      if (bytes > BYTES_MAX && turns.length > 0) break;
      const { keyId: _, ...rest } = turn;
      turns.push(rest);
      next = turn.previousId;
    }
    this.#say({ kind: 'answer', to, id, key: keyId, turns });
  }

  #answered(
    { by, id, keyId }: { readonly by: string; readonly id: string; readonly keyId: string },
    turns: readonly StoredTurn[],
  ): void {
    this.#others?.add(by);
    for (const turn of turns) this.#own.put(turn);
    for (const asked of this.#asked) {
      if (asked.id !== id || asked.keyId !== keyId) continue;
      asked.without.add(by);
      const isNowhere = this.#others !== undefined && [...this.#others].every((other) => asked.without.has(other));
      if (turns.length > 0 || isNowhere) asked.done();
    }
  }
}

/** The own turns, and with `fetch` those of all who hear the same voice. */
export function turnsTogether(own: KeptTurns, options: TogetherOptions): KeptTurns {
  return new TurnsTogether(own, options);
}

function turnsIn(said: JsonRecord, keyId: string): readonly StoredTurn[] {
  return (asArray(said['turns']) ?? []).flatMap((one) => {
    const record = asRecord(one);
    const [id, text] = [asString(record?.['id']), asString(record?.['text'])];
    if (id === undefined || text === undefined) return [];
    const [previousId, knownTo] = [asString(record?.['previousId']), asString(record?.['knownTo'])];
    return [
      {
        id,
        keyId,
        text,
        ...(previousId === undefined ? {} : { previousId }),
        ...(knownTo === undefined ? {} : { knownTo }),
      },
    ];
  });
}
