/** Dollars as text. The only place where money is not an integer, and here it is a string. */
import type { NanoUsd } from './price.ts';

const NANO_DIGITS = 9;
const NANO_PER_USD = 10n ** BigInt(NANO_DIGITS);

/** Largest amount that may be written: a thousand million dollars. Sums of it stay far inside a store's 64-bit integers. */
const USD_DIGITS_MAX = 9;
const DECIMAL = /^(\d+)(?:\.(\d+))?$/;

/** Exact decimal of an amount, without needless zeros: `1_500_000n` is `0.0015`. */
export function formatUsd(nanoUsd: NanoUsd): string {
  const sign = nanoUsd < 0n ? '-' : '';
  const size = nanoUsd < 0n ? -nanoUsd : nanoUsd;
  const fraction = (size % NANO_PER_USD).toString().padStart(NANO_DIGITS, '0').replace(/0+$/, '');
  return `${sign}${size / NANO_PER_USD}${fraction === '' ? '' : `.${fraction}`}`;
}

/**
 * Nano-dollars of a plain decimal (`12`, `0.15`), exactly. `undefined` for everything else: signs, exponents, spaces,
 * more than nine decimals that are not zero, more than nine digits of dollars.
 */
export function parseUsd(text: string): NanoUsd | undefined {
  // Checked before the pattern runs, so that a megabyte of digits costs nothing.
  if (text.length > 2 * (USD_DIGITS_MAX + NANO_DIGITS)) return undefined;
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const whole = (match[1] ?? '').replace(/^0+(?=\d)/, '');
  const fraction = (match[2] ?? '').replace(/0+$/, '');
  if (whole.length > USD_DIGITS_MAX || fraction.length > NANO_DIGITS) return undefined;
  return BigInt(whole) * NANO_PER_USD + BigInt(fraction.padEnd(NANO_DIGITS, '0'));
}
