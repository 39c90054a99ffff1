/** Providers that are a part of a cloud: where an account has its models, and whose identity counts there. They hold for every wire that is spoken there. */
import type { Place, Provider } from './provider.ts';

export type CloudSeams = Pick<Provider, 'baseUrlAt' | 'cloud' | 'resourceVariables'>;

const vertex: CloudSeams = { cloud: 'google', baseUrlAt: vertexUrl };

export const clouds = {
  'amazon-bedrock': { cloud: 'aws', baseUrlAt: bedrockUrl },
  azure: {
    cloud: 'azure',
    baseUrlAt: azureUrlAt('openai.azure.com'),
    resourceVariables: ['AZURE_RESOURCE_NAME'],
  },
  'azure-cognitive-services': {
    cloud: 'azure',
    baseUrlAt: azureUrlAt('cognitiveservices.azure.com'),
    resourceVariables: ['AZURE_COGNITIVE_SERVICES_RESOURCE_NAME'],
  },
  'google-vertex': vertex,
  'google-vertex-anthropic': vertex,
} as const satisfies Readonly<Record<string, CloudSeams>>;

/** docs.aws.amazon.com/general/latest/gr/bedrock.html */
function bedrockUrl({ region }: Place): string | undefined {
  if (region === undefined || !isLabel(region)) return undefined;
  return `https://bedrock-runtime.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}

/**
 * cloud.google.com/vertex-ai/generative-ai/docs/learn/locations: a location has a host of its own, `global` and the two
 * continents (`us`, `eu`) have others.
 */
function vertexUrl({ region = 'global', project }: Place): string | undefined {
  if (project === undefined || !isLabel(region)) return undefined;
  const host =
    region === 'global'
      ? 'aiplatform.googleapis.com'
      : ['us', 'eu'].includes(region)
        ? `aiplatform.${region}.rep.googleapis.com`
        : `${region}-aiplatform.googleapis.com`;
  return `https://${host}/v1/projects/${encodeURIComponent(project)}/locations/${region}`;
}

function azureUrlAt(domain: string): NonNullable<CloudSeams['baseUrlAt']> {
  return ({ resource }) =>
    resource === undefined || !isLabel(resource) ? undefined : `https://${resource}.${domain}/openai/v1`;
}

/** One step of a host name (RFC 1123): nothing that could lead to another host. */
function isLabel(name: string): boolean {
  return /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i.test(name);
}
