/** What a form of the answer says beside its schema, for dialects that have only the schema to say it in. */
import { compact, type JsonRecord } from '../lib/json.ts';
import type { OutputFormat } from './request.ts';

/** The schema with the format's name and description as its own, unless it has some. */
export function namedSchema(format: Extract<OutputFormat, { kind: 'json-schema' }>): JsonRecord {
  return { ...compact({ title: format.name, description: format.description }), ...format.schema };
}
