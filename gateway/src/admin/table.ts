/** All endpoints of the admin API, in one table. */
import { z } from 'zod';
import { alertEndpoints } from './alerts.ts';
import { budgetEndpoints } from './budgets.ts';
import { creditEndpoints } from './credits.ts';
import { endpoint, type Endpoint } from './endpoint.ts';
import { gatewayEndpoints } from './gateway.ts';
import { historyEndpoints } from './history.ts';
import { inviteEndpoints } from './invites.ts';
import { invoiceEndpoints } from './invoices.ts';
import { keyEndpoints } from './keys.ts';
import { openapiOf } from './openapi.ts';
import { orgEndpoints } from './orgs.ts';
import { planEndpoints } from './plans.ts';
import { secretEndpoints } from './secrets.ts';
import { teamEndpoints } from './teams.ts';
import { usageEndpoints } from './usage.ts';
import { userEndpoints } from './users.ts';

const resources: readonly Endpoint[] = [
  ...keyEndpoints,
  ...orgEndpoints,
  ...teamEndpoints,
  ...userEndpoints,
  ...inviteEndpoints,
  ...budgetEndpoints,
  ...creditEndpoints,
  ...planEndpoints,
  ...invoiceEndpoints,
  ...secretEndpoints,
  ...usageEndpoints,
  ...alertEndpoints,
  ...historyEndpoints,
  ...gatewayEndpoints,
];

const openapi = endpoint({
  id: 'openapi.get',
  method: 'GET',
  path: 'openapi.json',
  permissions: ['org.read'],
  summary: 'Shows this document.',
  answer: z.looseObject({ openapi: z.string() }),
  examples: { answer: { openapi: '3.1.0' } },
  answers: () => ({ body: openapiOf(TABLE) }),
});

export const TABLE: readonly Endpoint[] = [...resources, openapi];
