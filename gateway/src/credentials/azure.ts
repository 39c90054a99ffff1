/** Tokens of Entra ID: a client's secret, a federated token, or a managed identity (learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow). */
import { err, type Result } from '../lib/result.ts';
import type { AzureIdentity } from '../routing/identity.ts';
import type { Fetched, Trouble } from './grant.ts';
import { askToken, readToken } from './tokens.ts';
import { variable, type Environment, type Surroundings } from './surroundings.ts';

const AUTHORITY = 'https://login.microsoftonline.com';
const MACHINE_HOST = 'http://169.254.169.254';
const MACHINE_PATH = '/metadata/identity/oauth2/token';
const WHO = 'Entra ID';

export type AzureSource =
  | { readonly from: 'secret'; readonly client: Client; readonly secret: string }
  | { readonly from: 'federated'; readonly client: Client; readonly tokenFile: string }
  /** App Service, Functions, Container Apps: learn.microsoft.com/azure/app-service/overview-managed-identity */
  | { readonly from: 'service'; readonly url: string; readonly header: string; readonly clientId?: string }
  | { readonly from: 'machine'; readonly clientId?: string };

interface Client {
  readonly tenantId: string;
  readonly clientId: string;
}

/** Where a token comes from: the order of Azure's own libraries. */
export function azureSource(identity: AzureIdentity, env: Environment): AzureSource {
  const tenantId = identity.tenantId ?? variable(env, 'AZURE_TENANT_ID');
  const clientId = identity.clientId ?? variable(env, 'AZURE_CLIENT_ID');
  const secret = identity.clientSecret ?? variable(env, 'AZURE_CLIENT_SECRET');
  if (tenantId !== undefined && clientId !== undefined) {
    const client = { tenantId, clientId };
    if (secret !== undefined) return { from: 'secret', client, secret };
    const tokenFile = variable(env, 'AZURE_FEDERATED_TOKEN_FILE');
    if (tokenFile !== undefined) return { from: 'federated', client, tokenFile };
  }
  const of = clientId === undefined ? {} : { clientId };
  const url = variable(env, 'IDENTITY_ENDPOINT');
  const header = variable(env, 'IDENTITY_HEADER');
  if (url !== undefined && header !== undefined) return { from: 'service', url, header, ...of };
  return { from: 'machine', ...of };
}

/** For people. */
export function azureText(identity: AzureIdentity, env: Environment): string {
  const texts = {
    secret: 'Entra ID token by client secret',
    federated: 'Entra ID token by workload identity',
    service: 'Entra ID token of this service’s managed identity',
    machine: 'Entra ID token of this machine’s managed identity',
  } as const satisfies Record<AzureSource['from'], string>;
  return texts[azureSource(identity, env).from];
}

export async function azureProof(
  identity: AzureIdentity,
  around: Surroundings,
  nowMs: number,
): Promise<Result<Fetched, Trouble>> {
  const source = azureSource(identity, around.env);
  if (source.from === 'service' || source.from === 'machine') return ofManaged(source, identity, { around, nowMs });
  const { tenantId, clientId } = source.client;
  const proof =
    source.from === 'secret' ? { client_secret: source.secret } : await assertionOf(source.tokenFile, around);
  if (proof === undefined)
    return err({ reason: 'the federated token cannot be read. Check AZURE_FEDERATED_TOKEN_FILE.' });
  const authority = variable(around.env, 'AZURE_AUTHORITY_HOST')?.replace(/\/+$/, '') ?? AUTHORITY;
  return askToken(
    {
      url: `${authority}/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`,
      form: { grant_type: 'client_credentials', client_id: clientId, scope: identity.scope, ...proof },
      who: WHO,
      advice: 'Check tenant, client and its secret.',
      nowMs,
    },
    around,
  );
}

async function assertionOf(
  tokenFile: string,
  { read }: Surroundings,
): Promise<Readonly<Record<string, string>> | undefined> {
  const assertion = (await read(tokenFile))?.trim();
  if (assertion === undefined) return undefined;
  const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
  return { client_assertion_type: type, client_assertion: assertion };
}

async function ofManaged(
  source: AzureSource & { readonly from: 'service' | 'machine' },
  { scope }: AzureIdentity,
  { around, nowMs }: { readonly around: Surroundings; readonly nowMs: number },
): Promise<Result<Fetched, Trouble>> {
  const isService = source.from === 'service';
  const query = new URLSearchParams({
    'api-version': isService ? '2019-08-01' : '2018-02-01',
    resource: scope.replace(/\/\.default$/, ''),
    ...(source.clientId === undefined ? {} : { client_id: source.clientId }),
  });
  const host = variable(around.env, 'AZURE_POD_IDENTITY_AUTHORITY_HOST')?.replace(/\/+$/, '') ?? MACHINE_HOST;
  const url = isService ? source.url : host + MACHINE_PATH;
  const headers: Readonly<Record<string, string>> = isService
    ? { 'x-identity-header': source.header }
    : { metadata: 'true' };
  const who = 'the managed identity’s endpoint';
  const answer = await around.ask({ url: `${url}?${query.toString()}`, method: 'GET', headers, who });
  if (!answer.ok && !isService)
    return err({
      reason:
        'there is no key, no client secret and no managed identity. Set AZURE_API_KEY, or AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.',
    });
  return readToken(answer, { who, advice: 'Check that the identity is assigned.', nowMs });
}
