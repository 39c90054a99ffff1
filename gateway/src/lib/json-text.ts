/** JSON text of values that hold `bigint`: written as plain numbers, every digit of them, which `JSON.stringify` refuses to do. */

/** Anything that JSON can say, and whole numbers of any size. `undefined` fields are left out. */
export type JsonWithBigint =
  | string
  | number
  | boolean
  | null
  | bigint
  | readonly JsonWithBigint[]
  | { readonly [key: string]: JsonWithBigint | undefined };

/** Compact JSON text. */
export function jsonText(value: JsonWithBigint): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (isList(value)) return `[${value.map(jsonText).join(',')}]`;
  const fields = Object.entries(value).flatMap(([key, item]) =>
    item === undefined ? [] : [`${JSON.stringify(key)}:${jsonText(item)}`],
  );
  return `{${fields.join(',')}}`;
}

function isList(value: object): value is readonly JsonWithBigint[] {
  return Array.isArray(value);
}
