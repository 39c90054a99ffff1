/** A gateway before a simulator, with what the suites of SDKs need: providers of each protocol, one that limits, some that never end. */
import assert from 'node:assert/strict';
import { startSimulator, type Simulator, type SimulatorOptions } from '../../src/simulator/simulator.ts';
import { startGateway, testConfig, type TestGateway } from '../harness.ts';

/** One provider a protocol. */
export const TARGETS = ['house-openai/m', 'house-responses/m', 'house-anthropic/m', 'house-gemini/m', 'house-cohere/m'];
export const EMBEDDERS = ['house-openai/m-embed', 'cohere/embed-v4.0', 'google/gemini-embedding-001'];
/** Answers 429 to all. */
export const LIMITED = 'limited/m';
/** Their streams have no end that a test would wait for. */
export const SLOW = ['slow-openai/m', 'slow-anthropic/m', 'slow-gemini/m'];
const LEFT_MS = 5000;

export interface SdkRig {
  readonly gateway: TestGateway;
  readonly simulator: Simulator;
  close(): Promise<void>;
}

export async function startSdkRig(options: Pick<SimulatorOptions, 'recordings'> = {}): Promise<SdkRig> {
  const simulator = await startSimulator({
    ...options,
    script: [
      { match: { provider: 'limited' }, times: 'forever', status: 429 },
      { match: { provider: 'slow' }, times: 'forever', reply: { text: 'word '.repeat(10_000) }, chunk_delay_ms: 2 },
    ],
  });
  const row = (dialect: string, path: string): string =>
    `{dialect: ${dialect}, base_url: "${simulator.url}${path}", models: {m: {price: {input: 1, output: 2}}}}`;
  const gateway = await startGateway({
    config: testConfig({
      'house-openai': row('openai-chat', '/openai/v1'),
      'house-responses': row('openai-responses', '/openai/v1'),
      'house-anthropic': row('anthropic-messages', '/anthropic'),
      'house-gemini': row('gemini', '/gemini/v1beta'),
      'house-cohere': row('cohere', '/cohere/v2'),
      limited: row('openai-chat', '/p/limited/v1'),
      'slow-openai': row('openai-chat', '/p/slow/v1'),
      'slow-anthropic': row('anthropic-messages', '/p/slow'),
      'slow-gemini': row('gemini', '/p/slow/v1beta'),
      // Their embeddings have a wire of their own.
      cohere: `{base_url: "${simulator.url}/p/cohere/v2", api_key: k}`,
      mistral: `{base_url: "${simulator.url}/p/mistral/v1", api_key: k}`,
      google: `{base_url: "${simulator.url}/gemini/v1beta", api_key: k}`,
    }),
  });
  return {
    gateway,
    simulator,
    async close() {
      await gateway.stop();
      await simulator.close();
    },
  };
}

/** Runs `work`, which aborts a stream, and fails where the provider's one goes on. */
export async function assertLeftUpstream(
  { simulator }: SdkRig,
  work: (gone: AbortController) => Promise<void>,
): Promise<void> {
  const before = simulator.log.requests.length;
  await work(new AbortController());
  const last = await simulator.log.waitFor(({ sequence, ended }) => sequence > before && ended !== undefined, LEFT_MS);
  assert.equal(last.ended, 'client-closed');
}
