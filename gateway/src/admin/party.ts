/** What organisations, teams and users have in common: how they are listed, shown, changed and taken away. */
import { z } from 'zod';
import { fault, type Fault } from '../chat/fault.ts';
import { asRecord, asString, compact, type JsonRecord } from '../lib/json.ts';
import type { Result } from '../lib/result.ts';
import { isOfAll, mayGive, type Principal } from '../people/permissions.ts';
import type { Act } from '../store/act.ts';
import type { OrgRow, People, TeamRow, UserRow } from '../store/people-ports.ts';
import { endpoint, list, type Answer, type Asked, type Endpoint } from './endpoint.ts';
import { at, deleted, id, name, record } from './fields.ts';
import { pageOf } from './lists.ts';
import { actOf } from './revisions.ts';

type PartyRow = OrgRow | TeamRow | UserRow;

/** Fields of all three. */
export const shared = { id, name: z.string(), disabled: z.boolean(), created_at: at, settings: record };

/** What may be changed of all three. */
export const changes = {
  name: name.optional().describe('for people'),
  disabled: z.boolean().optional().describe('true: nothing of it may be used'),
  settings: record.optional().describe('allowed models, routes, providers and regions, limits'),
};

/** Whose a new one is. */
export const ofOrg = z.string().optional().describe('id of the organisation; absent: your own');

/** What is the same of the three, done by each in its own way. */
export interface Kind<Row extends PartyRow> {
  readonly name: 'orgs' | 'teams' | 'users';
  readonly one: string;
  readonly row: z.ZodType;
  readonly record: (row: Row) => JsonRecord;
  readonly get: (people: People, id: string) => Row | undefined;
  readonly orgOf: (row: Row) => string;
  readonly remove: (people: People, id: string, act: Act) => Promise<Result<Row | undefined, Fault>>;
  readonly write: 'gateway.orgs' | 'org.write' | 'people.write';
  readonly example: JsonRecord;
}

/** The fields of all three, in the words of the API. */
export function sharedRecord({ id: rowId, name: called, isDisabled, createdAtMs, settings }: PartyRow) {
  const created_at = new Date(createdAtMs).toISOString();
  return { id: rowId, name: called, disabled: isDisabled, created_at, settings };
}

/** `GET` of all of a kind that the caller may see, page by page. `rowsOf`: those of one organisation, or of all. */
export function listOf<Row extends PartyRow>(
  kind: Kind<Row>,
  rowsOf: (people: People, orgId: string | undefined) => readonly Row[],
): Endpoint {
  return list({
    id: `${kind.name}.list`,
    path: kind.name,
    permissions: [kind.name === 'orgs' ? 'org.read' : 'people.read'],
    summary: `Lists ${kind.name === 'orgs' ? 'organisations' : kind.name}.`,
    row: kind.row,
    filters: { org: z.string().optional().describe('only those of this organisation') },
    sorts: ['created_at', '-created_at', 'name', '-name'],
    searches: 'name, id or e-mail',
    example: kind.example,
    answers({ query, page, principal }, { store }) {
      const rows = rowsOf(store.people, query.org).filter((row) => isOfOrg(kind.orgOf(row), principal));
      const { rows: shown, ...more } = pageOf(rows, page, {
        idOf: (row) => row.id,
        columns: { created_at: (row) => row.createdAtMs, name: (row) => row.name },
        searched: (row) => ['email' in row ? (row.email ?? '') : '', row.name, row.id],
      });
      return { rows: shown.map((row) => kind.record(row)), ...more };
    },
  });
}

/** Who acts for all organisations sees all of them; everyone else his own. */
function isOfOrg(orgId: string, principal: Principal): boolean {
  return isOfAll(principal) || orgId === principal.orgId;
}

/** `GET` of one by its id. What is another organisation's is unknown. */
export function getOf<Row extends PartyRow>(kind: Kind<Row>): Endpoint {
  return endpoint({
    id: `${kind.name}.get`,
    method: 'GET',
    path: `${kind.name}/{id}`,
    permissions: [kind.name === 'orgs' ? 'org.read' : 'people.read'],
    summary: `Shows ${kind.one}.`,
    isSingle: true,
    answer: kind.row,
    examples: { answer: kind.example },
    answers: ({ id: rowId, principal }, { store }) => {
      const row = kind.get(store.people, rowId);
      return row === undefined || !isOfOrg(kind.orgOf(row), principal) ? unknown(rowId) : answerOf(kind, row);
    },
  });
}

/** `DELETE` of one by its id: it stays in receipts, and nothing of it may be used. */
export function removeOf<Row extends PartyRow>(kind: Kind<Row>): Endpoint {
  return endpoint({
    id: `${kind.name}.delete`,
    method: 'DELETE',
    path: `${kind.name}/{id}`,
    permissions: [kind.write],
    summary: `Takes ${kind.one} away, with all keys that belong to it. Receipts stay.`,
    isSingle: true,
    answer: deleted,
    examples: { answer: { id: asString(kind.example['id']) ?? '', deleted: true } },
    async answers(asked, { store }) {
      const act = changing(kind, asked, store.people);
      if ('code' in act) return act;
      const removed = await kind.remove(store.people, asked.id, act);
      return removed.ok ? { body: { id: asked.id, deleted: true } } : removed.error;
    },
  });
}

/** Who changes what is there and of the own organisation. */
export function changing<Row extends PartyRow>(
  kind: Kind<Row>,
  { id: rowId, principal, ifRevision }: Pick<Asked<unknown, unknown>, 'id' | 'principal' | 'ifRevision'>,
  people: People,
): Act | Fault {
  const row = kind.get(people, rowId);
  if (row === undefined || !isOfOrg(kind.orgOf(row), principal)) return unknown(rowId);
  if ('role' in row && !mayGive(principal, row.role)) return fault('role-too-high', { role: row.role });
  return actOf(principal, ifRevision, row.revision.toString());
}

/** What is answered once the store has written: the row as it is now, or why not. */
export async function written<Row extends PartyRow>(
  kind: Kind<Row>,
  rowId: string,
  result: Promise<Result<Row | undefined, Fault>>,
): Promise<Answer | Fault> {
  const done = await result;
  if (!done.ok) return done.error;
  return done.value === undefined ? unknown(rowId) : answerOf(kind, done.value);
}

function answerOf<Row extends PartyRow>(kind: Kind<Row>, row: Row): Answer {
  return { body: kind.record(row), revision: row.revision.toString() };
}

function unknown(rowId: string): Fault {
  return fault('record-unknown', { id: rowId.slice(0, 80) });
}

/** The settings of a body, where it has some. */
export function settingsOf(settings: Readonly<Record<string, unknown>> | undefined): {
  readonly settings?: JsonRecord;
} {
  return compact({ settings: asRecord(settings) });
}
