/** The lists and reports of the admin API, asked for in the ways that are dear when there is very much to look through. */
import type { Mark } from '../../src/admin/lists.ts';
import { FIRST_MS, SPAN_MS } from './many-rows.ts';

const DAY_MS = 86_400_000;
export const END_MS = FIRST_MS + SPAN_MS;

/** One page: a path with its query, and where it goes on after (the mark that a cursor of it stands for). */
export interface Page {
  readonly name: string;
  readonly ask: string;
  readonly after?: Mark;
}

/** Lists whose pages the store cuts: where their middle and their last page begin, of so many requests. */
function storedLists(rows: number): readonly Page[] {
  const list = (ask: string, places: Readonly<Record<string, string>>): readonly Page[] => [
    { name: `${ask}, first page`, ask },
    ...Object.entries(places).map(([which, id]): Page => ({ name: `${ask}, ${which} page`, ask, after: ['', id] })),
  ];
  const half = rows / 2;
  const requestAt = (index: number): string =>
    `${FIRST_MS + Math.floor((index * SPAN_MS) / rows)}.${Math.floor(index)}`;
  const creditAt = (index: number): string =>
    `${FIRST_MS + Math.floor((index * SPAN_MS) / 20_000)}.crd_${index.toString().padStart(9, '0')}`;
  return [
    ...list('requests?', { middle: requestAt(half), last: requestAt(150) }),
    ...list('requests?outcome=upstream_error', { middle: requestAt(half), last: requestAt(1500) }),
    ...list('requests?key=key_7', { middle: requestAt(half), last: requestAt(30_000) }),
    ...list('audit?', { middle: '50000', last: '150' }),
    ...list('audit?sort=seq', { middle: '50000', last: '99900' }),
    ...list('audit?action=key.changed', { middle: '50000', last: '500' }),
    ...list('alerts?', { middle: '50000', last: '150' }),
    ...list('alerts?kind=budget', { middle: '50000', last: '500' }),
    ...list('alerts?state=open', { middle: '50000', last: '900' }),
    ...list('credits?org=default', { middle: creditAt(10_000), last: creditAt(150) }),
    ...list('batches?', { middle: 'batch_2500', last: 'batch_150' }),
    ...list('batches?key=key_7', { last: 'batch_207' }),
  ];
}

const since = (ms: number): string => new Date(ms).toISOString();

/** What filters leave over is rare, or nothing at all. */
const FILTERED = [
  'requests?outcome=overloaded',
  'requests?outcome=internal',
  'requests?route=rare',
  'requests?model=llama-70b',
  'requests?key=key_119&outcome=overloaded',
  'requests?model=gpt-5&route=route-3&outcome=invalid',
  `requests?since=${since(FIRST_MS + 3 * DAY_MS)}&until=${since(FIRST_MS + 4 * DAY_MS)}`,
  `requests?until=${since(FIRST_MS + 3_600_000)}`,
  `requests?since=${since(FIRST_MS)}&until=${since(END_MS)}&outcome=overloaded`,
  `requests?key=key_7&outcome=ok&route=rare&model=gpt-5&since=${since(FIRST_MS)}&until=${since(END_MS)}`,
  'audit?by=user_rare',
  'audit?by=nobody',
  'audit?subject=key_77',
  'audit?action=key.changed&by=user_7&subject=key_2007',
  `audit?since=${since(FIRST_MS)}&until=${since(FIRST_MS + 3_600_000)}`,
  'audit?q=Number 77',
  'audit?q=nowhere',
  'audit?org=org_7',
  'audit?org=org_3&q=nowhere',
  'audit?org=nobody&action=key.changed',
  'requests?org=default',
  'requests?org=org_3',
  'requests?org=org_7&outcome=overloaded',
  'requests?org=nobody&outcome=ok',
  'requests?org=default&search=nowhere',
  'requests?org=org_3&search=nowhere',
  'alerts?kind=reconciliation',
  'alerts?kind=nothing',
  'alerts?kind=reconciliation&state=open',
  'alerts?org=default&kind=price-unknown&state=acknowledged',
  'alerts?org=nobody',
];

/** Of a search, each as a list's `search`. */
const SEARCHED = [
  '%%%%%%%%',
  '_',
  '\\',
  "'",
  '"',
  'x'.repeat(10_240),
  'req_00000001',
  'RARE',
  'team 7',
  'nowhere',
  'at some length',
];

const WEEK = `&since=${since(END_MS - 7 * DAY_MS)}&until=${since(END_MS)}`;
/** As many receipts as are read for one answer. */
const DAYS = `&since=${since(END_MS - 1.3 * DAY_MS)}&until=${since(END_MS)}`;
const REPORTS = [
  'usage',
  'usage?rows=false',
  'usage?key=key_7',
  'usage?key=key_7&rows=false',
  'usage?key=key_nobody',
  `usage?since=${since(FIRST_MS + 3 * DAY_MS + 1234)}`,
  `usage?since=${since(END_MS - 3_600_000)}`,
  'usage?by=team,model',
  'usage?by=day,provider,model',
  'usage?by=key',
  'usage?by=key,route,model,team,day',
  'usage?by=key&org=default',
  'usage?by=key,model&org=org_3',
  'usage?org=org_3',
  'usage?org=org_7&rows=false',
  'usage?org=nobody',
  'usage?by=model&key=key_7',
  `usage?by=hour${WEEK}`,
  'usage?by=hour,key',
  `usage?by=tag${WEEK}`,
  `usage?by=end-user${WEEK}`,
  `usage?by=hour,key${DAYS}`,
  `usage?by=tag${DAYS}`,
  `usage?by=tag,model,day${DAYS}`,
  `usage?by=end-user${DAYS}`,
  'usage?by=end-user',
  'invoices?month=2026-10&org=default',
  'invoices?month=2026-09&org=default',
  'balance?org=default',
];

/** One thing by its id. */
const SINGLE = ['keys/key_7', 'budgets/bud_7', 'plans/plan_7', 'requests/req_00000abc', 'users/user_7'];

export function pagesOf(rows: number): readonly Page[] {
  const asks = [
    ...FILTERED,
    ...SEARCHED.map((text) => `requests?search=${encodeURIComponent(text)}`),
    ...REPORTS,
    ...SINGLE,
  ];
  return [...storedLists(rows), ...asks.map((ask) => ({ name: ask, ask }))];
}

/** Lists that are in memory: walked, to find where their middle and their last page begin. */
export const WALKED = [
  'keys?',
  'keys?disabled=true',
  'keys?q=team 77',
  'keys?sort=-name',
  'orgs?',
  'teams?',
  'users?',
  'users?q=user77',
  'budgets?',
  'budgets?scope=key&sort=name',
  'plans?',
  'invites?',
  'secrets?',
];
