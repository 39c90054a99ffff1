/**
 * Turns of conversations that clients go on from by an id. In memory only: prompts are written to no file, and are gone with
 * the process. Bounded by number, bytes and age, and by bytes for each key, so that no key can push out all the others'.
 */
import type { KeptTurns, StoredTurn } from './ports.ts';

/** As long as a person thinks about an answer, and a working day more. */
const AGE_MAX_MS = 24 * 60 * 60 * 1000;
/** All turns together; some ten thousand of usual length. */
const BYTES_MAX = 128 * 1024 * 1024;
/** A quarter of all, so that one key leaves room for others. */
const KEY_BYTES_MAX = 32 * 1024 * 1024;
/** One turn: a long document, not a film. */
const TURN_BYTES_MAX = 8 * 1024 * 1024;
const TURNS_MAX = 50_000;

interface Entry {
  readonly turn: StoredTurn;
  readonly bytes: number;
  readonly keptAtMs: number;
}

/** `nowMs` is monotonic. */
export function keptTurns(nowMs: () => number): KeptTurns {
  /** Oldest use first: a turn that is read moves to the end. */
  const entries = new Map<string, Entry>();
  const bytesOf = new Map<string, number>();
  let bytes = 0;

  function nameOf(keyId: string, id: string): string {
    return `${keyId}\n${id}`;
  }

  function drop(name: string, entry: Entry): void {
    entries.delete(name);
    bytes -= entry.bytes;
    const left = (bytesOf.get(entry.turn.keyId) ?? 0) - entry.bytes;
    if (left > 0) bytesOf.set(entry.turn.keyId, left);
    else bytesOf.delete(entry.turn.keyId);
  }

  /** Makes room: of the key's own oldest first, then of everybody's. */
  function shrink(keyId: string): void {
    for (const [name, entry] of entries) {
      if ((bytesOf.get(keyId) ?? 0) <= KEY_BYTES_MAX) break;
      if (entry.turn.keyId === keyId) drop(name, entry);
    }
    for (const [name, entry] of entries) {
      const isOld = nowMs() - entry.keptAtMs > AGE_MAX_MS;
      if (!isOld && bytes <= BYTES_MAX && entries.size <= TURNS_MAX) break;
      drop(name, entry);
    }
  }

  function find(id: string, keyId: string): Entry | undefined {
    const name = nameOf(keyId, id);
    const entry = entries.get(name);
    if (entry === undefined) return undefined;
    if (nowMs() - entry.keptAtMs > AGE_MAX_MS) {
      drop(name, entry);
      return undefined;
    }
    entries.delete(name);
    entries.set(name, entry);
    return entry;
  }

  return {
    put(turn) {
      const size = turn.text.length + turn.id.length;
      if (size > TURN_BYTES_MAX) return;
      const name = nameOf(turn.keyId, turn.id);
      const before = entries.get(name);
      if (before !== undefined) drop(name, before);
      entries.set(name, { turn, bytes: size, keptAtMs: nowMs() });
      bytes += size;
      bytesOf.set(turn.keyId, (bytesOf.get(turn.keyId) ?? 0) + size);
      shrink(turn.keyId);
    },
    get: (id, keyId) => find(id, keyId)?.turn,
    remove(id, keyId) {
      const name = nameOf(keyId, id);
      const entry = entries.get(name);
      if (entry === undefined) return false;
      drop(name, entry);
      return true;
    },
    size: () => ({ turns: entries.size, bytes }),
  };
}
