/** What a scan of JSON text (`scan.ts`) is asked and what it answers. */
import type { Long } from './pieces.ts';

export interface ScanLimits {
  /** Levels of objects and arrays inside each other. */
  readonly depthMax: number;
  readonly keysMax: number;
  /** Values of any kind: `[{},{},…]` makes a parser take twenty times the memory of its text. */
  readonly valuesMax: number;
  /**
   * Whether names below this key are the user's own (JSON Schema, tool arguments): there `constructor` is a name like any
   * other. `depth` is that of the object which holds the key, 1 for the outermost.
   */
  readonly isFreeForm?: (key: string, depth: number) => boolean;
}

/** One member of the outermost object, as offsets into the scanned bytes. */
export interface Member {
  /** Decoded: `"mod\u0065l"` is `model`. */
  readonly key: string;
  /** Offset of the key's opening quote. */
  readonly keyStart: number;
  readonly valueStart: number;
  /** Offset after the value's last byte. */
  readonly valueEnd: number;
}

export type RootKind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';

export interface Scan {
  readonly rootKind: RootKind;
  /** Offset of the outermost value's first byte. */
  readonly rootStart: number;
  /** In the order of the text. Empty unless the outermost value is an object. */
  readonly members: ReadonlyMap<string, Member>;
  readonly keyCount: number;
  readonly depth: number;
  /**
   * Whether a key is written with an escape. V8's JSON.parse takes such a key for another one that it has seen at the same
   * place before (nodejs/node#63785): what was checked would not be what is sent. `pieces.ts` reads these one by one.
   */
  readonly hasEscapedKeys: boolean;
  /** Where the text is to be cut to be parsed (`pieces.ts`). Only after `scanInSteps`, of long texts and of those with escaped keys. */
  readonly long?: Long;
}

export type ScanFault =
  | { readonly kind: 'empty' }
  | { readonly kind: 'not-utf8'; readonly offset: number; readonly looksLikeUtf16: boolean }
  /** `found` is shown to people: a character or words. Undefined at the end of the text. */
  | { readonly kind: 'syntax'; readonly offset: number; readonly found: string | undefined; readonly expected: string }
  | { readonly kind: 'too-deep' | 'too-many-keys' | 'too-many-values'; readonly offset: number; readonly max: number }
  | { readonly kind: 'key-too-long'; readonly offset: number; readonly max: number }
  | { readonly kind: 'duplicate-key' | 'forbidden-key'; readonly offset: number; readonly key: string }
  /**
   * A number that is infinite once read (`1e400`), or one of more digits than a number holds: those that only rounding
   * makes an integer (`1.0000000000000001`), and those of thousands of digits.
   */
  | { readonly kind: 'number-too-large' | 'number-too-precise'; readonly offset: number };
