/** Plain text in a column: no sign of what people look for means anything to the database. */
import { sql, type Expression, type RawBuilder, type SqlBool } from 'kysely';

/** Whether a column holds a text, whatever the case of ASCII letters. */
export function holds(column: Expression<unknown>, text: string): RawBuilder<SqlBool> {
  const pattern = `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  return sql<SqlBool>`lower(${column}) like lower(${pattern}) escape '\\'`;
}
