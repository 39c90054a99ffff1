/** Counters and histograms as plain numbers, written out in Prometheus' text form when somebody asks. */

/** Series a metric may have: label values come from configuration, never from callers, so that more is a bug. */
const SERIES_MAX = 5000;
/** Seconds; from the gateway's own work to a long stream. */
const BUCKETS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600,
] as const;

export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  add(labels: Labels, by?: number): void;
}
export interface Histogram {
  /** `valueS` in seconds. */
  observe(labels: Labels, valueS: number): void;
}

export interface Metrics {
  counter(name: string, help: string): Counter;
  histogram(name: string, help: string): Histogram;
  /** `read` is called at scrape time. */
  gauge(name: string, help: string, read: () => number): void;
  /** One series a set of labels. `read` is called at scrape time. */
  gauges(name: string, help: string, read: () => readonly (readonly [Labels, number])[]): void;
  /** Prometheus text format 0.0.4. */
  text(): string;
}

interface Buckets {
  readonly counts: number[];
  count: number;
  sum: number;
}

export function metrics(): Metrics {
  const writers: (() => string)[] = [];
  return {
    counter(name, help) {
      const series = new Map<string, number>();
      const keys = new Keys();
      writers.push(() =>
        block(
          { name, help, type: 'counter' },
          [...series].map(([labels, value]) => `${name}${labels} ${value}`),
        ),
      );
      return {
        add(labels, by = 1) {
          const key = keys.of(labels);
          if (series.has(key) || series.size < SERIES_MAX) series.set(key, (series.get(key) ?? 0) + by);
        },
      };
    },
    histogram(name, help) {
      const series = new Map<string, Buckets>();
      const keys = new Keys();
      writers.push(() =>
        block(
          { name, help, type: 'histogram' },
          [...series].flatMap(([labels, value]) => histogramLines(name, labels, value)),
        ),
      );
      return {
        observe(labels, valueS) {
          const key = keys.of(labels);
          const known = series.get(key);
          if (known === undefined && series.size >= SERIES_MAX) return;
          const into = known ?? { counts: BUCKETS.map(() => 0), count: 0, sum: 0 };
          if (known === undefined) series.set(key, into);
          const at = BUCKETS.findIndex((bound) => valueS <= bound);
          if (at !== -1) into.counts[at] = (into.counts[at] ?? 0) + 1;
          into.count += 1;
          into.sum += valueS;
        },
      };
    },
    gauge(name, help, read) {
      writers.push(() => block({ name, help, type: 'gauge' }, [`${name} ${read()}`]));
    },
    gauges(name, help, read) {
      const line = ([labels, value]: readonly [Labels, number]): string => `${name}${keyOf(labels)} ${value}`;
      writers.push(() => block({ name, help, type: 'gauge' }, read().slice(0, SERIES_MAX).map(line)));
    },
    text: () => writers.map((write) => write()).join(''),
  };
}

function block(head: { name: string; help: string; type: string }, lines: readonly string[]): string {
  return `# HELP ${head.name} ${head.help}\n# TYPE ${head.name} ${head.type}\n${lines.map((line) => `${line}\n`).join('')}`;
}

function histogramLines(name: string, labels: string, value: Buckets): readonly string[] {
  let below = 0;
  const inner = labels === '' ? '' : `${labels.slice(1, -1)},`;
  const lines = BUCKETS.map((bound, index) => {
    below += value.counts[index] ?? 0;
    return `${name}_bucket{${inner}le="${bound}"} ${below}`;
  });
  return [
    ...lines,
    `${name}_bucket{${inner}le="+Inf"} ${value.count}`,
    `${name}_sum${labels} ${value.sum}`,
    `${name}_count${labels} ${value.count}`,
  ];
}

/** The text of labels, found again by their names and values: some ten of them a request, of which few are new. */
class Keys {
  readonly #root: Step = new Map();
  #size = 0;

  of(labels: Labels): string {
    let step = this.#root;
    for (const name of Object.keys(labels)) step = stepTo(stepTo(step, name), labels[name] ?? '');
    step.text ??= this.#made(labels);
    return step.text;
  }

  /** Labels come from configuration: where they do not, their texts are not kept without end. */
  #made(labels: Labels): string {
    if (this.#size >= SERIES_MAX) {
      this.#root.clear();
      this.#size = 0;
    }
    this.#size += 1;
    return keyOf(labels);
  }
}

interface Step extends Map<string, Step> {
  text?: string;
}

function stepTo(from: Step, word: string): Step {
  const known = from.get(word);
  if (known !== undefined) return known;
  const made: Step = new Map();
  from.set(word, made);
  return made;
}

function keyOf(labels: Labels): string {
  let pairs = '';
  for (const name of Object.keys(labels))
    pairs += `${pairs === '' ? '' : ','}${name}="${escapeLabel(labels[name] ?? '')}"`;
  return pairs === '' ? '' : `{${pairs}}`;
}

function escapeLabel(value: string): string {
  if (!/[\\"\n]/.test(value)) return value;
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
