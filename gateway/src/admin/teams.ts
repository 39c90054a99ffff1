/** `teams`: parts of an organisation, with settings, budgets and limits of their own. */
import { z } from 'zod';
import { compact } from '../lib/json.ts';
import type { TeamRow } from '../store/people-ports.ts';
import { endpoint, type Endpoint } from './endpoint.ts';
import { name } from './fields.ts';
import { orgFor } from './scope.ts';
import {
  changes,
  changing,
  getOf,
  listOf,
  ofOrg,
  removeOf,
  settingsOf,
  shared,
  sharedRecord,
  written,
  type Kind,
} from './party.ts';

const team = z.strictObject({ ...shared, org: z.string() }).meta({ id: 'Team', description: 'A team.' });

const teamChange = z.strictObject(changes);
const teams: Kind<TeamRow> = {
  name: 'teams',
  one: 'a team',
  row: team,
  record: (row) => ({ ...sharedRecord(row), org: row.orgId }),
  get: (people, teamId) => people.team(teamId),
  orgOf: (row) => row.orgId,
  remove: async (people, teamId, act) => people.changeTeam(teamId, { isRemoved: true }, act),
  write: 'people.write',
  example: {
    id: 'team_0mf3k2v9xexample000000',
    name: 'Search',
    disabled: false,
    created_at: '2026-11-27T08:00:00.000Z',
    settings: {},
    org: 'default',
  },
};

const createTeam = endpoint({
  id: 'teams.create',
  method: 'POST',
  path: 'teams',
  permissions: ['people.write'],
  summary: 'Makes a team.',
  status: 201,
  body: teamChange.omit({ disabled: true }).extend({ name: name.describe('say what it is called'), org: ofOrg }),
  answer: team,
  examples: { body: { name: 'Search' }, answer: teams.example },
  async answers({ body, principal }, { store }) {
    const orgId = orgFor(body.org, principal);
    if (typeof orgId !== 'string') return orgId;
    const made = { name: body.name, orgId, ...settingsOf(body.settings) };
    return written(teams, '', store.people.createTeam(made, principal.id));
  },
});

const updateTeam = endpoint({
  id: 'teams.update',
  method: 'PATCH',
  path: 'teams/{id}',
  permissions: ['people.write'],
  summary: 'Changes what is given.',
  isSingle: true,
  body: teamChange,
  answer: team,
  examples: { body: { name: 'Find' }, answer: { ...teams.example, name: 'Find' } },
  async answers(asked, { store }) {
    const { body, id: rowId } = asked;
    const act = changing(teams, asked, store.people);
    if ('code' in act) return act;
    const patch = { ...compact({ name: body.name, isDisabled: body.disabled }), ...settingsOf(body.settings) };
    return written(teams, rowId, store.people.changeTeam(rowId, patch, act));
  },
});

export const teamEndpoints: readonly Endpoint[] = [
  listOf(teams, (people, orgId) => people.teams(orgId)),
  createTeam,
  getOf(teams),
  updateTeam,
  removeOf(teams),
];
