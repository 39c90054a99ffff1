/** Errors of the configuration as text for a terminal or a log: place, sentence, the line itself, a caret. */
import type { ConfigError } from './finding.ts';
import { maskSecrets } from './secrets.ts';

/** Columns of a line that are shown; of longer ones, the part around the error. */
const WINDOW = 110;
const BYTE_ORDER_MARK = '\ufeff';

/**
 * All errors, each as
 * ```
 * turnout.yaml:4:5: `providers.openai.bse_url` is not a known key; did you mean `base_url`?
 *   4 |     bse_url: https://…
 *     |     ^^^^^^^
 *     known here: like, dialect, …
 * ```
 * Secrets in the shown lines are starred out. `label` (`warning: `) stands before each sentence.
 */
export function renderErrors(errors: readonly ConfigError[], sourceText: string, label = ''): string {
  const plain = sourceText.startsWith(BYTE_ORDER_MARK) ? sourceText.slice(1) : sourceText;
  const lines = plain.split('\n');
  return errors.map((error) => render(error, lines[error.line - 1] ?? '', label)).join('\n');
}

/** All errors, a line each, with the place and nothing else of the file: for answers that anybody may read. */
export function summary(errors: readonly ConfigError[]): string {
  return errors.map((error) => `${placeOf(error)}: ${maskSecrets(sentence(error))}`).join('\n');
}

/** One error as one sentence, without the place. */
export function sentence({ path, message, suggestion }: ConfigError): string {
  const subject = path === '' ? '' : `\`${path}\` `;
  return visible(`${subject}${message}${suggestion === undefined ? '' : `; did you mean \`${suggestion}\`?`}`);
}

function render(error: ConfigError, line: string, label: string): string {
  const number = String(error.line);
  const gutter = ' '.repeat(number.length);
  const { shown, before, length } = windowOf(visible(maskSecrets(line.replace(/\r$/, ''))), error);
  const text = [
    `${placeOf(error)}: ${label}${sentence(error)}`,
    `  ${number} | ${shown}`.trimEnd(),
    `  ${gutter} | ${before}${'^'.repeat(length)}`,
  ];
  if (error.allowed !== undefined) text.push(`  ${gutter}   allowed: ${visible(error.allowed)}`);
  return `${text.join('\n')}\n`;
}

function placeOf({ file, line, column }: ConfigError): string {
  return `${file}:${line}:${column}`;
}

/** The part of the line to show, the blanks before the caret (tabs kept, so that it stands right), and the caret's length. */
function windowOf(line: string, { column, length }: ConfigError): { shown: string; before: string; length: number } {
  const index = Math.min(column - 1, line.length);
  const start = line.length <= WINDOW ? 0 : Math.max(0, Math.min(index - Math.floor(WINDOW / 3), line.length - WINDOW));
  const part = line.slice(start, start + WINDOW);
  const prefix = start > 0 ? '…' : '';
  const suffix = start + WINDOW < line.length ? '…' : '';
  const before = `${prefix}${part.slice(0, index - start)}`.replaceAll(/[^\t]/g, ' ');
  const room = Math.max(1, part.length - (index - start));
  return { shown: `${prefix}${part}${suffix}`, before, length: Math.min(length, room) };
}

/** Control characters would move a terminal's cursor; each becomes a visible stand-in of the same length. */
function visible(text: string): string {
  return text.replaceAll(/[^\P{Cc}\t]/gu, '�');
}
