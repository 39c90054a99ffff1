/** CSV (RFC 4180), written so that a spreadsheet takes no cell for a formula, and read leniently. */

/** What a spreadsheet may take for a formula: OWASP, "CSV Injection". */
const FORMULA = /^[=+\-@\t\r]/;
const QUOTED = /[",\r\n]/;

/** One line with its end. Numbers stand as they are; a text that begins like a formula gets an apostrophe before it. */
export function csvLine(cells: readonly (string | number | bigint | boolean | null)[]): string {
  return `${cells.map(cellText).join(',')}\r\n`;
}

function cellText(cell: string | number | bigint | boolean | null): string {
  if (cell === null) return '';
  if (typeof cell !== 'string') return String(cell);
  const harmless = FORMULA.test(cell) ? `'${cell}` : cell;
  return QUOTED.test(harmless) || harmless !== cell ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** The rows of a text; lines may end with LF alone, and empty ones are left out. */
export function parseCsv(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let row: string[] = [];
  // A cell and what ends it: in quotes, or up to the next comma or line end. A byte order mark is no part of the first.
  const cells = text.replace(/^\uFEFF/, '').matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/g);
  for (const [whole, quoted, plain = '', end] of cells) {
    if (whole === '' && row.length === 0) continue;
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  }
  return rows;
}
