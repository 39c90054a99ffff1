/** Where a value stands in the file, in the form in which people write it: `providers.openai.models["gpt-4.1"].price`. */

export type PathStep = string | number;

const PLAIN_STEP = /^[A-Za-z_][\w-]*$/;

/** Text of a path; the empty path is the whole document and has the empty text. */
export function pathText(steps: readonly PathStep[]): string {
  let text = '';
  for (const step of steps) text = joinPath(text, step);
  return text;
}

/** Text of the path one step further down. */
export function joinPath(parent: string, step: PathStep): string {
  if (typeof step === 'number') return `${parent}[${step}]`;
  if (!PLAIN_STEP.test(step)) return `${parent}[${JSON.stringify(step)}]`;
  return parent === '' ? step : `${parent}.${step}`;
}
