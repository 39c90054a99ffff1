/**
 * An endpoint of the admin API is data: what it takes, what it answers, who may ask, and examples of both. The router, the
 * OpenAPI document, the reference page and the SDK are all made of the same rows.
 */
import { z } from 'zod';
import type { Fault } from '../chat/fault.ts';
import { asString, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { Permission, Principal } from '../people/permissions.ts';
import type { Mark, PageAsk } from './lists.ts';
import { invalid, readBody, readQuery } from './read.ts';
import type { AdminWorld } from './world.ts';

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

export interface Answer {
  readonly body: JsonRecord;
  /** Of a single object: its `ETag`. */
  readonly revision?: string;
}

/** What stands in the row of an endpoint beside what it does. */
interface Face<Q extends z.ZodObject, B extends z.ZodObject> {
  /** Resource and action, as the SDK calls them: `keys.create`. */
  readonly id: string;
  readonly method: Method;
  /** Below `/admin/v1/`: `keys/{id}`. */
  readonly path: string;
  /** Any one of them lets in; whose things are shown and changed, the function looks at. */
  readonly permissions: readonly [Permission, ...Permission[]];
  /** One line for people. */
  readonly summary: string;
  readonly query: Q;
  /** Absent: it takes none. */
  readonly body?: B;
  readonly answer: z.ZodType;
  readonly status: 200 | 201;
  readonly examples: { readonly query?: JsonRecord; readonly body?: JsonRecord; readonly answer: JsonRecord };
}

/** What was asked, read by the schemas of the endpoint. */
export interface Asked<Q, B> {
  /** What stands in the path for `{id}`; empty where the path has none. */
  readonly id: string;
  readonly query: Q;
  readonly body: B;
  readonly principal: Principal;
  /** The revision that the caller has seen (`If-Match`); absent: any. */
  readonly ifRevision?: string;
}

type Answering<Q extends z.ZodObject, B extends z.ZodObject> = (
  asked: Asked<z.output<Q>, z.output<B>>,
  world: AdminWorld,
) => Answer | Fault | Promise<Answer | Fault>;

/** What was asked, before it was read. */
export interface Call {
  readonly id: string;
  readonly query: URLSearchParams;
  readonly body?: JsonRecord;
  readonly principal: Principal;
  readonly ifRevision?: string;
}

export interface Endpoint extends Face<z.ZodObject, z.ZodObject> {
  /** Of a list: the schema of its rows. */
  readonly row?: z.ZodType;
  /** It has an `ETag`, or minds one. */
  readonly isSingle: boolean;
  /** Reads the call; what comes of it does the work. */
  readonly prepare: (call: Call, world: AdminWorld) => Result<() => Promise<Answer | Fault>, Fault>;
}

const NOTHING = z.strictObject({});

type Spec<Q extends z.ZodObject, B extends z.ZodObject> = Omit<Face<Q, B>, 'query' | 'status'> & {
  readonly query?: Q;
  readonly status?: 200 | 201;
  readonly isSingle?: true;
  readonly answers: Answering<Q, B>;
};

export function endpoint<Q extends z.ZodObject = typeof NOTHING, B extends z.ZodObject = typeof NOTHING>(
  spec: Spec<Q, B>,
): Endpoint {
  const { answers, isSingle = false, query, body, status = 200, ...face } = spec;
  const asks: z.ZodObject = query ?? NOTHING;
  return {
    ...face,
    ...(body === undefined ? {} : { body }),
    query: asks,
    status,
    isSingle,
    prepare(call, world) {
      const read = readCall({ query: asks, body }, call);
      if (!read.ok) return read;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- both were just read by their own schemas.
      const asked = { ...call, ...read.value } as unknown as Asked<z.output<Q>, z.output<B>>;
      return ok(async () => answers(asked, world));
    },
  };
}

interface Schemas {
  readonly query: z.ZodObject;
  readonly body: z.ZodObject | undefined;
}

function readCall({ query, body }: Schemas, call: Call): Result<{ query: unknown; body: unknown }, Fault> {
  const asked = readQuery(query, call.query);
  if (!asked.ok) return asked;
  const given = readBody(body ?? NOTHING, call.body ?? {});
  return given.ok ? ok({ query: asked.value, body: given.value }) : given;
}

/** A page of a list, and where the next one begins. */
export interface Rows {
  readonly rows: readonly JsonRecord[];
  readonly next?: Mark;
}

interface ListSpec<F extends z.ZodRawShape> extends Pick<
  Face<z.ZodObject, z.ZodObject>,
  'id' | 'path' | 'permissions' | 'summary'
> {
  readonly row: z.ZodType;
  /** By name, each optional. */
  readonly filters: F;
  /** What it may be sorted by, with a minus from its end. The first is the usual one. */
  readonly sorts: readonly [string, ...string[]];
  /** What `q` is looked for in; absent: there is no `q`. */
  readonly searches?: string;
  readonly example: JsonRecord;
  readonly answers: (
    asked: Omit<Asked<z.output<z.ZodObject<F>>, unknown>, 'body'> & { readonly page: PageAsk },
    world: AdminWorld,
  ) => Rows | Fault | Promise<Rows | Fault>;
}

/** A list: with `limit`, `cursor`, `sort`, filters, and `q` where it can be searched. */
export function list<F extends z.ZodRawShape>(spec: ListSpec<F>): Endpoint {
  const { row, filters, sorts, searches, example, answers, ...face } = spec;
  const query = z.strictObject({ ...filters, ...pageFields(sorts, searches) });
  return {
    ...face,
    method: 'GET',
    status: 200,
    isSingle: false,
    row,
    query,
    answer: z.strictObject({
      data: z.array(row),
      has_more: z.boolean().describe('whether there are more'),
      next: z.string().optional().describe('the `cursor` of the next page'),
    }),
    examples: { query: { limit: '2' }, answer: { data: [example], has_more: false } },
    prepare(call, world) {
      const read = readQuery(query, call.query);
      if (!read.ok) return read;
      const given = readBody(NOTHING, call.body ?? {});
      if (!given.ok) return given;
      const scope = scopeOf(face.id, call);
      const page = pageAsk(read.value, sorts, (cursor) => world.cursors.open(cursor, scope));
      if (!page.ok) return page;
      return ok(async () => {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it was just read by its own schema.
        const asked = { ...call, query: read.value as z.output<z.ZodObject<F>>, page: page.value };
        const found = await answers(asked, world);
        if ('code' in found) return found;
        const next = found.next === undefined ? {} : { next: world.cursors.seal(found.next, scope) };
        return { body: { data: found.rows, has_more: found.next !== undefined, ...next } };
      });
    },
  };
}

/** A cursor goes on with the list that it was given by, as it was asked for, and for whom. */
function scopeOf(id: string, { query, principal }: Call): string {
  const asked = new URLSearchParams(query);
  for (const name of ['cursor', 'limit']) asked.delete(name);
  asked.sort();
  return JSON.stringify([id, principal.orgId ?? '', principal.kind, asked.toString()]);
}

const LIMIT_MAX = 200;
const LIMIT = 50;
/** Longer than any name that could be found. */
const SEARCH_MAX = 10_240;

function pageFields(sorts: readonly string[], searches: string | undefined): z.ZodRawShape {
  const range = `it must be 1 to ${LIMIT_MAX}`;
  const limit = z.coerce.number({ error: range }).int(range).min(1, range).max(LIMIT_MAX, range);
  return {
    limit: limit.optional().describe(`rows of a page, 1 to ${LIMIT_MAX}; ${LIMIT} where it is absent`),
    cursor: z.string().min(1).max(2000).optional().describe('`next` of the page before'),
    sort: z
      .enum(sorts, { error: `it must be one of ${sorts.join(', ')}` })
      .optional()
      .describe(`by what, with a minus from its end; \`${sorts[0] ?? ''}\` where it is absent`),
    ...(searches === undefined
      ? {}
      : { q: z.string().max(SEARCH_MAX).optional().describe(`plain text that must stand in ${searches}`) }),
  };
}

function pageAsk(
  query: JsonRecord,
  sorts: readonly [string, ...string[]],
  open: (cursor: string) => Mark | undefined,
): Result<PageAsk, Fault> {
  const { limit = LIMIT, q, cursor } = query;
  const after = typeof cursor === 'string' ? open(cursor) : undefined;
  if (cursor !== undefined && after === undefined)
    return err(invalid('cursor', 'it must be the `next` of a page of this very list, asked for in the same way'));
  const order = asString(query['sort']) ?? sorts[0];
  return ok({
    limit: Number(limit),
    sort: order.replace(/^-/, ''),
    isDescending: order.startsWith('-'),
    ...(typeof q === 'string' && q !== '' ? { q } : {}),
    ...(after === undefined ? {} : { after }),
  });
}
