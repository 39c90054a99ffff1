/**
 * The requests of the examples, each sent to a whole gateway with that example's file, over real sockets to a simulator in the
 * place of all its providers: who answers is who must, and no request goes where it must not.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { parseDocument } from 'yaml';
import { exampleFiles } from '../../../scripts/examples-page.ts';
import { parseConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import type { JsonRecord } from '../../src/lib/json.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { EXAMPLE_ENV } from '../example-env.ts';
import { ROOT_KEY, startGateway, type TestGateway } from '../harness.ts';

type Case = NonNullable<Config['routes'][string]['expect']>[number];

/** Where the simulator is each provider. */
const PATHS: Readonly<Record<string, string>> = {
  openai: '/openai/v1',
  anthropic: '/anthropic',
  google: '/gemini/v1beta',
  'amazon-bedrock': '/bedrock',
};

/** The file with the simulator in the place of its providers. */
function movedTo(simulator: Simulator, text: string, { providers }: Config): string {
  const document = parseDocument(text);
  for (const id of Object.keys(providers))
    document.setIn(['providers', id, 'base_url'], `${simulator.url}${PATHS[id] ?? `/p/${id}/v1`}`);
  return String(document);
}

interface Answered {
  readonly status: number;
  readonly target: string;
  readonly text: string;
}

async function ask(gateway: TestGateway, route: string, { given }: Case): Promise<Answered> {
  const messages: JsonRecord[] = [
    ...(given.system === undefined ? [] : [{ role: 'system', content: given.system }]),
    { role: 'user', content: given.prompt ?? '' },
  ];
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${ROOT_KEY}`,
      'content-type': 'application/json',
      ...(given.region === undefined ? {} : { 'x-turnout-region': given.region }),
      ...(given.tags === undefined ? {} : { 'x-turnout-tags': given.tags.join(',') }),
    },
    body: JSON.stringify({ messages, ...given.body, model: route }),
  });
  const { headers, status } = response;
  return {
    status,
    target: `${headers.get('x-turnout-provider') ?? ''}/${headers.get('x-turnout-model') ?? ''}`,
    text: await response.text(),
  };
}

/** Breaks the targets that a case says are down. A 500 or two are not enough to leave anybody alone for when the next case comes. */
function breakTargets(simulator: Simulator, down: readonly string[]): void {
  simulator.script(
    down.map((target) => ({
      match: { model: target.slice(target.indexOf('/') + 1) },
      status: 500,
      times: 'forever',
    })),
  );
}

for (const { name, text } of exampleFiles()) {
  describe(`the example ${name}`, () => {
    const read = parseConfig(text, { file: `${name}.yaml`, env: EXAMPLE_ENV });
    if (!read.ok) throw new Error(JSON.stringify(read.error));
    const { config } = read.value;
    let simulator: Simulator;
    let gateway: TestGateway;

    before(async () => {
      simulator = await startSimulator();
      gateway = await startGateway({ config: movedTo(simulator, text, config), env: EXAMPLE_ENV });
    });
    after(async () => {
      await gateway.stop();
      await simulator.close();
    });

    const cases = Object.entries(config.routes).flatMap(([route, { expect = [] }]) =>
      expect.map((one) => ({ route, one })),
    );
    for (const { route, one } of cases) {
      it(`${route}: ${one.name ?? ''}`, async () => {
        const { given, expect } = one;
        const { down = [] } = given;
        breakTargets(simulator, down);
        const before = simulator.log.requests.length;
        const { status, target, text: reply } = await ask(gateway, route, one);
        if (expect.refused === true) {
          assert.ok(status >= 400, reply);
          if (down.length === 0) assert.equal(simulator.log.requests.length, before, 'it was sent');
        } else assert.equal(status, 200, reply);
        if (expect.target !== undefined) assert.equal(target, expect.target);
        if (expect.provider !== undefined) assert.equal(target.slice(0, target.indexOf('/')), expect.provider);
        const asked = simulator.log.requests.slice(before);
        for (const other of expect.not ?? []) {
          const model = other.slice(other.indexOf('/') + 1);
          assert.ok(!asked.some((request) => JSON.stringify([request.path, request.body]).includes(model)), other);
        }
      });
    }
  });
}
