/** deploy/compose.yaml and what it mounts; and the dashboard, which speaks of metrics that there are. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { dashboardText, PANELS } from '../../../scripts/dashboard.ts';
import { asArray, asRecord, asString } from '../../src/lib/json.ts';
import { runCli, startGateway, type TestGateway } from '../harness.ts';
import { at, DEPLOY, textIn, yamlIn } from './kit.ts';

describe('the compose file', () => {
  const file = yamlIn('compose.yaml');
  const services = asRecord(file['services']) ?? {};
  const gateways = ['gateway-1', 'gateway-2', 'migrate'];

  it('has two gateways, with read-only roots, without rights, and a folder for each', () => {
    for (const name of gateways) {
      assert.equal(at(services, name, 'read_only'), true, name);
      assert.deepEqual(at(services, name, 'cap_drop'), ['ALL'], name);
    }
    const folders = gateways.map((name) => asString(at(services, name, 'volumes', 0)));
    assert.equal(new Set(folders).size, 3, 'two gateways would share a journal folder');
    assert.match(asString(at(services, 'gateway-1', 'stop_grace_period')) ?? '', /^4\ds$/);
  });

  it('takes no secret from itself', () => {
    const variables = [...textIn('compose.yaml').matchAll(/\$\{(\w+):\?/g)].map(([, name = '']) => name);
    assert.deepEqual([...new Set(variables)].toSorted(), [
      'GRAFANA_PASSWORD',
      'POSTGRES_PASSWORD',
      'TURNOUT_ADMIN_KEY',
      'TURNOUT_SECRET',
    ]);
    for (const line of textIn('env.example').split('\n')) assert.match(line, /^(#.*|\w+=|)$/, line);
  });

  it('names services, volumes, networks and files that there are', () => {
    for (const [name, service] of Object.entries(services)) {
      const needs = at(service, 'depends_on');
      for (const need of asArray(needs) ?? Object.keys(asRecord(needs) ?? {}))
        assert.ok(String(need) in services, name);
      for (const network of asArray(at(service, 'networks')) ?? [])
        assert.ok(at(file, 'networks', String(network)) !== undefined);
      for (const volume of (asArray(at(service, 'volumes')) ?? []).map(String)) {
        const source = volume.split(':')[0] ?? '';
        const isThere = source.startsWith('./')
          ? existsSync(join(DEPLOY, source))
          : source in (asRecord(file['volumes']) ?? {});
        assert.ok(isThere, `${name}: ${volume}`);
      }
    }
  });

  it('publishes the proxy and Grafana on this machine only', () => {
    const ports = Object.entries(services).flatMap(([name, service]) =>
      (asArray(at(service, 'ports')) ?? []).map((port) => `${name} ${String(port)}`),
    );
    assert.deepEqual(ports, ['proxy 127.0.0.1:8787:8787', 'grafana 127.0.0.1:3000:3000']);
  });

  it('has a configuration without errors', async () => {
    const checked = await runCli(['check', join(DEPLOY, 'turnout.yaml'), '--json'], { cwd: DEPLOY });
    assert.equal(checked.code, 0, checked.stdout + checked.stderr);
  });
});

describe('the dashboard', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startGateway({ config: 'server: {workers: 2}' });
  });
  after(async () => {
    await gateway.stop();
  });

  it('is fresh (npm run generate)', () => {
    assert.equal(textIn('grafana', 'turnout.json'), dashboardText());
  });

  it('speaks of metrics that there are', async () => {
    const text = await (await fetch(`${gateway.url}/metrics`)).text();
    const types = new Map([...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => [name, type]));
    const asked = PANELS.flat().flatMap(({ queries }) =>
      Object.values(queries).flatMap((query) => query.match(/turnout_\w+/g) ?? []),
    );
    assert.ok(asked.length > 15);
    for (const name of asked) {
      const plain = name.replace(/_bucket$/, '');
      const type = types.get(plain);
      assert.ok(type !== undefined, `there is no metric ${name}`);
      assert.equal(type === 'histogram', plain !== name, `${name} is a ${type}`);
    }
  });

  it('has all of its panels on a page that is 24 wide', () => {
    const panels = asArray(at(JSON.parse(textIn('grafana', 'turnout.json')), 'panels')) ?? [];
    assert.equal(panels.length, PANELS.flat().length);
    for (const panel of panels) {
      const [x, w] = [Number(at(panel, 'gridPos', 'x')), Number(at(panel, 'gridPos', 'w'))];
      assert.ok(x + w <= 24);
    }
  });
});
