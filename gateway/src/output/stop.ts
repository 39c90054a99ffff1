/** Cuts a text at the first stop sequence, whatever pieces it comes in. */

export interface Cutter {
  /** What may be handed on. Keeps back the longest end that a stop sequence may begin with. */
  push(text: string): string;
  /** Nothing more comes: what was kept back. Empty after a cut. */
  end(): string;
  /** The sequence that the text was cut at; undefined while it was not. */
  cutAt(): string | undefined;
}

/** A machine for one choice. Empty sequences stop nothing. */
export function cutter(sequences: readonly string[]): Cutter {
  const stops = sequences.filter((stop) => stop !== '');
  let held = '';
  let cut: string | undefined;
  return {
    push(text) {
      if (cut !== undefined) return '';
      held += text;
      const found = firstOf(held, stops);
      cut = found?.stop;
      const at = found?.at ?? held.length - openEnd(held, stops);
      const given = held.slice(0, at);
      held = found === undefined ? held.slice(at) : '';
      return given;
    },
    end() {
      const rest = held;
      held = '';
      return rest;
    },
    cutAt: () => cut,
  };
}

/** The sequence that is complete first, as a reader letter by letter finds it; of several, the one that began first. */
function firstOf(text: string, stops: readonly string[]): { readonly at: number; readonly stop: string } | undefined {
  const [first] = stops
    .map((stop) => ({ at: text.indexOf(stop), stop }))
    .filter(({ at }) => at !== -1)
    .toSorted((a, b) => a.at + a.stop.length - (b.at + b.stop.length) || a.at - b.at);
  return first;
}

/** Length of the longest end of `text` that some sequence begins with. */
function openEnd(text: string, stops: readonly string[]): number {
  const most = Math.max(0, ...stops.map((stop) => stop.length - 1));
  for (let length = Math.min(most, text.length); length > 0; length -= 1) {
    const end = text.slice(-length);
    if (stops.some((stop) => stop.startsWith(end))) return length;
  }
  return 0;
}
