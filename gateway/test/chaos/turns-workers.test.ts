/** A conversation that goes on by the id of a reply, over workers each of which keeps its own. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { asRecord, asString, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { admin, startCrew, type CrewRig } from './crew.ts';

/** Each a connection of its own, which the kernel gives to either worker. */
async function respond({ gateway, key }: CrewRig, path: string, body?: JsonRecord): Promise<JsonRecord> {
  const reply = await fetch(`${gateway.url}/v1/responses${path}`, {
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', connection: 'close' },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  const json = asRecord(parseJson(await reply.text())) ?? {};
  assert.equal(reply.status, 200, JSON.stringify(json));
  return json;
}

it('goes on at any worker from a reply of any other, and shows it', async (test) => {
  const rig = await startCrew(test);
  let previous = '';
  const ids: string[] = [];
  for (let turn = 0; turn < 16; turn += 1) {
    const made = await respond(rig, '', {
      model: 'p/m',
      input: `turn ${turn}`,
      ...(previous === '' ? {} : { previous_response_id: previous }),
    });
    previous = asString(made['id']) ?? '';
    ids.push(previous);
  }
  const last = asRecord(rig.p.log.requests.at(-1)?.body);
  const said = JSON.stringify(last?.['messages']);
  for (let turn = 0; turn < 16; turn += 1) assert.ok(said.includes(`turn ${turn}`), `turn ${turn} is missing`);
  for (const id of ids) assert.equal((await respond(rig, `/${id}`))['id'], id);
  const health = await admin(rig.gateway, 'health');
  assert.equal(Array.isArray(health['workers']), true);
});
