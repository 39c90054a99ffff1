/** Ceilings on prices. */
import { formatUsd } from '../../money/usd.ts';
import { ofEach, type Requirement } from './requirement.ts';

/** Ceilings on list prices. A price that is not known is under none. */
export const price: Requirement = ofEach('price', ({ price: known }, { price: most }) => {
  if (most === undefined) return undefined;
  for (const [kind, ceiling] of [
    ['input', most.inputMax],
    ['output', most.outputMax],
  ] as const) {
    const rate = known?.[kind];
    if (ceiling === undefined) continue;
    if (rate === undefined) return `its ${kind} price is not known, at most ${formatUsd(ceiling)} is allowed`;
    if (rate > ceiling)
      return `${kind} costs ${formatUsd(rate)} a million tokens, at most ${formatUsd(ceiling)} is allowed`;
  }
  return undefined;
});

/** The same in OpenRouter's words. */
export const preferredPrice: Requirement = {
  name: 'max-price',
  whyNot({ price: known }, { preferences }) {
    const { inputPriceMax, outputPriceMax } = preferences ?? {};
    const isTooDear = (ceiling: bigint | undefined, rate: bigint | undefined): boolean =>
      ceiling !== undefined && (rate === undefined || rate > ceiling);
    return isTooDear(inputPriceMax, known?.input) || isTooDear(outputPriceMax, known?.output)
      ? 'dearer than `provider.max_price`, or its price is not known'
      : undefined;
  },
};
