import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { healthOfAll, metricsOfAll, readinessOfAll, readyAnswer, type CrewAnswer } from './crew.ts';
import { metrics } from './metrics.ts';

const READY = { ok: true, body: { status: 'ready', snapshot: 's1' } };
const up = (worker: number, answer: CrewAnswer['answer']): CrewAnswer => ({
  worker,
  pid: 100 + worker,
  restarts: 0,
  isListening: true,
  ...(answer === undefined ? {} : { answer }),
});
const starting: CrewAnswer = { worker: 2, restarts: 3, isListening: false };

describe('the workers of one port', () => {
  it('are ready while all who listen are, and say who is not', () => {
    const fine = readyAnswer(READY);
    const ill = readyAnswer({ ok: false, body: { status: 'not ready' } });
    const cases = [
      { answers: [up(1, fine), up(2, fine)], ok: true, says: ['ready', 'ready'] },
      { answers: [up(1, fine), starting], ok: true, says: ['ready', 'starting'] },
      { answers: [up(1, fine), up(2, ill)], ok: false, says: ['ready', 'not ready'] },
      { answers: [up(1, fine), up(2, undefined)], ok: false, says: ['ready', 'does not answer'] },
    ];
    for (const { answers, ok, says } of cases) {
      const all = readinessOfAll(READY, answers);
      assert.equal(all.ok, ok, says.join());
      assert.equal(all.body['status'], ok ? 'ready' : 'not ready');
      assert.deepEqual(
        all.body['workers'],
        says.map((status, index) => ({ worker: index + 1, status })),
      );
    }
  });

  it('are not ready where the one that is asked drains, in its own words', () => {
    const own = { ok: false, body: { status: 'draining' } };
    const all = readinessOfAll(own, [up(1, readyAnswer(own)), up(2, readyAnswer(READY))]);
    assert.deepEqual([all.ok, all.body['status']], [false, 'draining']);
  });

  it('have one text of metrics: heads once, every series with its worker', () => {
    const texts = [1, 2].map((worker) => {
      const book = metrics();
      book.counter('turnout_a_total', 'A.').add({ outcome: 'o{"k' }, worker);
      book.gauge('turnout_b', 'B.', () => worker * 10);
      return book.text();
    });
    const text = metricsOfAll([up(1, texts[0]), up(2, texts[1]), { ...starting, worker: 3 }]);
    assert.equal(
      text,
      [
        '# HELP turnout_a_total A.',
        '# TYPE turnout_a_total counter',
        'turnout_a_total{worker="1",outcome="o{\\"k"} 1',
        'turnout_a_total{worker="2",outcome="o{\\"k"} 2',
        '# HELP turnout_b B.',
        '# TYPE turnout_b gauge',
        'turnout_b{worker="1"} 10',
        'turnout_b{worker="2"} 20',
        '# HELP turnout_worker_up 1 while this worker answers.',
        '# TYPE turnout_worker_up gauge',
        'turnout_worker_up{worker="1"} 1',
        'turnout_worker_up{worker="2"} 1',
        'turnout_worker_up{worker="3"} 0',
        '# HELP turnout_worker_restarts_total How often this worker was started again.',
        '# TYPE turnout_worker_restarts_total counter',
        'turnout_worker_restarts_total{worker="1"} 0',
        'turnout_worker_restarts_total{worker="2"} 0',
        'turnout_worker_restarts_total{worker="3"} 3',
        '',
      ].join('\n'),
    );
  });

  it('have one health: that of the asked, and each of theirs; well only where all are', () => {
    const own = { ok: true, ledger: 'fine' };
    const all = healthOfAll(own, [up(1, own), starting]);
    assert.deepEqual(all, {
      ok: false,
      ledger: 'fine',
      workers: [
        { worker: 1, pid: 101, restarts: 0, state: 'serving', ok: true, ledger: 'fine' },
        { worker: 2, restarts: 3, state: 'starting' },
      ],
    });
    assert.equal(healthOfAll(own, [up(1, own), up(2, own)])['ok'], true);
  });
});
