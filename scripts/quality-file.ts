/**
 * The figures in the form that ships: `{form, sources: [[title, url, day]…], benchmarks: [[id, slope, offset, noise]…],
 * models: [[name, other names, [benchmark, value, source, …]]…]}`, a row a line. Numbers point into the lists before.
 */
import { ALSO, FIGURE_TABLES } from './quality-figures.ts';
import { fitLines } from './quality-fit.ts';

/** Goes up when an older gateway could no longer read the file. */
const FORM = 1;

interface Published {
  readonly value: number;
  readonly source: number;
}

/** The text of gateway/src/catalog/quality.generated.json. The same figures give the same bytes. */
export function qualityFile(): string {
  const models = figuresByModel();
  const lines = fitLines(new Map([...models].map(([name, own]) => [name, values(own)])));
  const ids = [...lines.keys()].toSorted();
  const benchmarks = ids.map((id) => {
    const line = lines.get(id);
    return [id, rounded(line?.slope), rounded(line?.offset), rounded(line?.noise)];
  });
  const rows = [...models]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, own]) => [
      name,
      ALSO[name] ?? [],
      [...own]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([id, { value, source }]) => [ids.indexOf(id), value, source]),
    ]);
  const sources = FIGURE_TABLES.map(({ title, url, asOf }) => [title, url, asOf]);
  const list = (items: readonly unknown[]): string => `[\n${items.map((item) => JSON.stringify(item)).join(',\n')}]`;
  return `{"form":${FORM},"sources":${list(sources)},"benchmarks":${list(benchmarks)},"models":${list(rows)}}\n`;
}

/** A model's figures by benchmark. The first table that has one wins. */
function figuresByModel(): ReadonlyMap<string, ReadonlyMap<string, Published>> {
  const models = new Map<string, Map<string, Published>>();
  for (const [source, { title, columns, figures }] of FIGURE_TABLES.entries()) {
    for (const line of figures.trim().split('\n')) {
      const [name = '', ...cells] = line.split(' ');
      if (cells.length !== columns.length) throw new Error(`${title}: ${line} has not ${columns.length} figures`);
      const own = models.get(name) ?? new Map<string, Published>();
      models.set(name, own);
      for (const [index, id] of columns.entries()) {
        const value = Number(cells[index]);
        if (cells[index] === '-' || own.has(id)) continue;
        if (!Number.isFinite(value)) throw new Error(`${title}: ${line} has a figure that is no number`);
        own.set(id, { value, source });
      }
    }
  }
  for (const name of Object.keys(ALSO)) if (!models.has(name)) throw new Error(`no figures of ${name}`);
  return models;
}

function values(own: ReadonlyMap<string, Published>): ReadonlyMap<string, number> {
  return new Map([...own].map(([id, { value }]) => [id, value]));
}

function rounded(value: number | undefined): number {
  return Math.round((value ?? 0) * 10_000) / 10_000;
}
