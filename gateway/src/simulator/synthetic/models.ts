/** The models that the simulator lists. It answers to every other name too. */

export interface SimulatedModel {
  readonly id: string;
  /** Output tokens around which its replies lie. */
  readonly outputTokens?: number;
  /** Milliseconds to the first byte. */
  readonly ttftMs?: number;
  readonly tokensPerSecond?: number;
  /** US dollars a million tokens: nothing is charged, but a price can be learned from the list and reckoned with. */
  readonly price?: { readonly input: number; readonly output: number };
}

export const SIMULATED_MODELS: readonly SimulatedModel[] = [
  { id: 'simulator-small', outputTokens: 40, price: { input: 0.1, output: 0.4 } },
  { id: 'simulator-large', outputTokens: 120, price: { input: 2, output: 8 } },
  { id: 'simulator-embedding', price: { input: 0.02, output: 0 } },
];
