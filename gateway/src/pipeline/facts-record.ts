/** Facts in a record, and back: numbers and names, never text of the request. */
import { asBoolean, asCount, asNumber, asRecord, asString, compact, type JsonRecord } from '../lib/json.ts';
import { fromPlainJson, toPlainJson } from '../lib/plain-data.ts';
import type { ContentFacts } from '../understand/content.ts';
import type { Facts } from '../understand/facts.ts';

export function factsRecord(facts: Facts): JsonRecord {
  const { content } = facts;
  return {
    stream: facts.isStreaming,
    needs: facts.needs,
    input_tokens_estimate: facts.inputTokensEstimate,
    input_tokens_max: facts.inputTokensMax,
    output_tokens_limit: facts.outputTokensLimit,
    choices: facts.choices,
    output_fixed: facts.isOutputFixed === true ? true : undefined,
    longest_tokens_estimate: facts.longestTokensEstimate,
    units_max: facts.unitsMax === undefined ? undefined : { ...facts.unitsMax },
    caller_region: facts.callerRegion,
    caller_region_from: facts.callerRegionFrom,
    content: content === undefined ? undefined : toPlainJson(content),
  };
}

/** The facts of a record; `undefined` where the request was refused before they were known. */
export function factsOf(record: JsonRecord): Facts | undefined {
  const facts = asRecord(record['facts']);
  const model = asString(record['model']);
  if (facts === undefined || model === undefined) return undefined;
  const read = {
    model,
    isStreaming: asBoolean(facts['stream']) ?? false,
    inputTokensEstimate: asCount(facts['input_tokens_estimate']) ?? 0,
    inputTokensMax: asCount(facts['input_tokens_max']) ?? 0,
    // A budget's business, not a plan's: it is not written.
    inputTokensUsualMax: asCount(facts['input_tokens_max']) ?? 0,
    outputTokensLimit: asNumber(facts['output_tokens_limit']),
    choices: asCount(facts['choices']) ?? 1,
    isOutputFixed: asBoolean(facts['output_fixed']),
    longestTokensEstimate: asNumber(facts['longest_tokens_estimate']),
    callerRegion: asString(facts['caller_region']),
  };
  const { needs = [], units_max, caller_region_from, content } = facts;
  const rest: unknown = compact({
    needs,
    unitsMax: units_max,
    callerRegionFrom: caller_region_from,
    content: content === undefined ? undefined : fromPlainJson(content),
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `factsRecord` wrote them of values of these types.
  const written = rest as Pick<Facts, 'needs' | 'unitsMax' | 'callerRegionFrom'> & { readonly content?: ContentFacts };
  return { ...compact(read), ...written };
}
