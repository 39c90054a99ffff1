/** The Helm chart, made by Helm itself. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { asArray, type JsonRecord } from '../../src/lib/json.ts';
import { helmProgram, whyNoHelm } from '../services/helm.ts';
import { skipWithout } from '../services/missing.ts';
import { at, CHART, rendered } from './kit.ts';

const helm = helmProgram() ?? 'helm';

function kinds(documents: readonly JsonRecord[]): readonly string[] {
  return documents.map(({ kind }) => String(kind)).toSorted();
}

function one(documents: readonly JsonRecord[], kind: string): JsonRecord {
  const found = documents.filter((document) => document['kind'] === kind);
  assert.equal(found.length, 1, `${found.length} of ${kind}`);
  return found[0] ?? {};
}

const USUAL = ['ConfigMap', 'ConfigMap', 'Deployment', 'Job', 'PodDisruptionBudget', 'Service', 'ServiceAccount'];

describe('the chart', { skip: skipWithout(whyNoHelm()) }, () => {
  it('passes the lint of Helm', () => {
    const said = execFileSync(helm, ['lint', '--strict', CHART], { encoding: 'utf8', timeout: 60_000 });
    assert.match(said, /0 chart\(s\) failed/);
  });

  it('has two pods without rights behind a service, and a job before them', () => {
    const documents = rendered(helm);
    assert.deepEqual(kinds(documents), USUAL);
    const deployment = one(documents, 'Deployment');
    const pod = at(deployment, 'spec', 'template', 'spec');
    assert.equal(at(deployment, 'spec', 'replicas'), 2);
    assert.equal(at(pod, 'securityContext', 'runAsNonRoot'), true);
    assert.deepEqual(at(pod, 'containers', 0, 'securityContext'), {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    assert.deepEqual(
      ['startupProbe', 'readinessProbe', 'livenessProbe'].map((probe) =>
        at(pod, 'containers', 0, probe, 'httpGet', 'path'),
      ),
      ['/readyz', '/readyz', '/healthz'],
    );
    assert.deepEqual(at(pod, 'containers', 0, 'envFrom'), [{ secretRef: { name: 'turnout' } }]);
    const job = one(documents, 'Job');
    assert.equal(at(job, 'metadata', 'annotations', 'helm.sh/hook'), 'pre-install,pre-upgrade');
    assert.deepEqual(at(job, 'spec', 'template', 'spec', 'containers', 0, 'args'), ['migrate']);
  });

  it('finds its pods by the labels that they have, and mounts what it declares', () => {
    for (const settings of [[], ['persistence.enabled=true']]) {
      const documents = rendered(helm, settings);
      const workload = one(documents, settings.length === 0 ? 'Deployment' : 'StatefulSet');
      const labels = at(workload, 'spec', 'template', 'metadata', 'labels');
      const selectors = [
        at(workload, 'spec', 'selector', 'matchLabels'),
        ...documents.filter(({ kind }) => kind === 'Service').map((service) => at(service, 'spec', 'selector')),
      ];
      for (const selector of selectors) assert.deepEqual({ ...Object(labels), ...Object(selector) }, labels);
      const job = at(one(documents, 'Job'), 'spec', 'template', 'metadata', 'labels');
      assert.notDeepEqual(
        { ...Object(job), ...Object(selectors[0]) },
        job,
        'the service would send requests to the job',
      );
      const pod = at(workload, 'spec', 'template', 'spec');
      const volumes = [
        ...(asArray(at(pod, 'volumes')) ?? []),
        ...(asArray(at(workload, 'spec', 'volumeClaimTemplates')) ?? []).map((claim) => at(claim, 'metadata')),
      ];
      const names = volumes.map((volume) => String(at(volume, 'name'))).toSorted();
      const mounts = (asArray(at(pod, 'containers', 0, 'volumeMounts')) ?? [])
        .map((mount) => String(at(mount, 'name')))
        .toSorted();
      assert.deepEqual(mounts, names);
    }
  });

  it('has what is switched on, and only that', () => {
    const more = [
      'autoscaling.enabled=true',
      'serviceMonitor.enabled=true',
      'ingress.enabled=true',
      'ingress.hosts={gate.example}',
    ];
    const documents = rendered(helm, more);
    assert.deepEqual(kinds(documents), [...USUAL, 'HorizontalPodAutoscaler', 'Ingress', 'ServiceMonitor'].toSorted());
    assert.equal(
      at(one(documents, 'Deployment'), 'spec', 'replicas'),
      undefined,
      'it would undo what the autoscaler did',
    );
    assert.equal(at(one(documents, 'Ingress'), 'spec', 'rules', 0, 'host'), 'gate.example');
  });

  it('serves from SQLite with one pod and its volume, and refuses anything else', () => {
    const alone = ['store=sqlite', 'replicas=1', 'persistence.enabled=true', 'migrations.enabled=false'];
    assert.deepEqual(kinds(rendered(helm, alone)), [
      'ConfigMap',
      'Service',
      'Service',
      'ServiceAccount',
      'StatefulSet',
    ]);
    for (const missing of [1, 2, 3]) {
      const some = alone.filter((_, index) => index !== missing);
      assert.throws(() => rendered(helm, some), /must be (1|true|false)/);
    }
    assert.throws(() => rendered(helm, ['replica=3']), /additional properties 'replica' not allowed/);
  });
});
