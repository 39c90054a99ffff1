/** Makes the plan of a recorded request again, and says whether it is the same to the last byte. Pure. */
import { asArray, asRecord, asString, type Json, type JsonRecord } from '../lib/json.ts';
import { plan } from '../routing/plan.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import { recordedInput } from './inputs.ts';
import { withoutHidden } from './no-plan.ts';
import { plannedRecord } from './record.ts';

export type Replay =
  | { readonly kind: 'same'; readonly plan: JsonRecord }
  | { readonly kind: 'different'; readonly plan: JsonRecord; readonly differences: readonly Difference[] }
  | { readonly kind: 'refused'; readonly reason: string };

/** A field of the record that comes out otherwise, as JSON text; empty where it is absent. */
export interface Difference {
  readonly field: string;
  readonly recorded: string;
  readonly again: string;
}

/** `snapshot`: the one that the request was served with, or what is taken for it. */
export function replayed(record: JsonRecord, snapshot: Snapshot): Replay {
  if (asArray(record['plan'])?.length === 0)
    return { kind: 'refused', reason: 'the request was refused before there was a plan' };
  const input = recordedInput(record, snapshot);
  if (!input.ok) return { kind: 'refused', reason: input.error };
  const { value } = input;
  const names = asArray(asRecord(record['inputs'])?.['names'])?.flatMap((name) => asString(name) ?? []);
  const made = plannedRecord({ plan: withoutHidden(plan(value)), input: value, names: names ?? [value.facts.model] });
  const again: JsonRecord = { ...made };
  const differences = PLANNED.flatMap((field) => differenceIn(field, record, again));
  return differences.length === 0 ? { kind: 'same', plan: again } : { kind: 'different', plan: again, differences };
}

/** All that a plan leaves in a record. */
const PLANNED =
  'candidates plan strategy rule propensity explored attempts_max hedge continues first_token_ms why inputs'.split(' ');

function differenceIn(field: string, record: JsonRecord, again: JsonRecord): readonly Difference[] {
  const [recorded, made] = [textOf(record[field]), textOf(again[field])];
  return recorded === made ? [] : [{ field, recorded, again: made }];
}

function textOf(value: Json | undefined): string {
  return value === undefined ? '' : JSON.stringify(value);
}
