/** Every form of a provider's batches that is spoken here. */
import type { BatchApiForm } from '../../providers/provider.ts';
import { anthropicBatches } from './anthropic.ts';
import { openaiBatches } from './openai.ts';
import type { BatchProtocol } from './protocol.ts';

export const PROTOCOLS: Readonly<Record<BatchApiForm, BatchProtocol>> = {
  openai: openaiBatches,
  anthropic: anthropicBatches,
};
