/** The facts of a text on the data sets beside this checkout, and on prompts of our own. The numbers are floors: docs/reference/facts.md has what was measured. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { loadLanguages } from '../src/understand/language.ts';
import { corpusDir, corpusSkip } from './corpus.ts';
import {
  apgr,
  difficultyOf,
  foundPerThousand,
  languagesTold,
  multimodel,
  rowsOf,
  sensitiveFound,
  shareOf,
  strongWeak,
  taskOfText,
  toldOf,
} from './understand/measures.ts';
import { factsPage } from './understand/facts-page.ts';
import { TASK_PROMPTS } from './understand/task-prompts.ts';

const dataDir = corpusDir() ?? '';
const skip = corpusSkip('understand');
const detect = await loadLanguages();

describe('prompts of our own', () => {
  it('are a hundred and fifty at least, of every task but the agent’s, in ten languages', () => {
    assert.ok(TASK_PROMPTS.length >= 150);
    assert.equal(new Set(TASK_PROMPTS.map(({ task }) => task)).size, 9);
    assert.equal(new Set(TASK_PROMPTS.map(({ language }) => language)).size, 10);
  });

  it('are told their task, the ones that were only counted as well', () => {
    assert.ok(shareOf(TASK_PROMPTS, ({ text, task }) => taskOfText(text) === task) >= 0.95);
    const counted = TASK_PROMPTS.filter((_, index) => index % 2 === 1);
    assert.ok(shareOf(counted, ({ text, task }) => taskOfText(text) === task) >= 0.95);
  });

  for (const [language, prompts] of Map.groupBy(TASK_PROMPTS, (prompt) => prompt.language))
    it(`are told their task in ${language}`, () => {
      assert.ok(shareOf(prompts, ({ text, task }) => taskOfText(text) === task) >= 0.85);
    });

  it('are told their language, or none', () => {
    const rows = TASK_PROMPTS.map(({ language, text }) => ({ lang: language, text }));
    const { told, right } = toldOf(rows, detect);
    assert.ok(told >= 0.8, `told ${told}`);
    assert.ok(right >= 0.97, `right ${right}`);
  });
});

describe('the task, on data sets', { skip }, () => {
  const rows = skip === false ? multimodel(dataDir) : [];
  const share = (set: string, is: (task: string) => boolean): number =>
    shareOf(
      rows.filter(({ task }) => task === set),
      ({ prompt }) => is(taskOfText(prompt)),
    );

  it('is code for MBPP, and maths for GSM8K and MATH', () => {
    assert.ok(share('mbpp', (task) => task === 'code') >= 0.97);
    assert.ok(share('gsm8k', (task) => task === 'math') >= 0.9);
    assert.ok(share('math', (task) => task === 'math') >= 0.83);
  });

  it('is chat for questions of knowledge', () => {
    for (const set of ['natural_qa', 'trivia_qa', 'openbook_qa', 'arc_challenge'])
      assert.ok(share(set, (task) => task === 'chat') >= 0.93, set);
  });

  it('is chat for what people ask an assistant', () => {
    const asked = rowsOf<{ readonly text: string; readonly intent: string }>(dataDir, 'clinc150-dev.jsonl');
    const other = asked.filter(({ intent }) => !['translate', 'calculator', 'tell_joke'].includes(intent));
    assert.ok(shareOf(other, ({ text }) => taskOfText(text) === 'chat') >= 0.97);
  });
});

describe('the language, on data sets', { skip }, () => {
  it('is right where it is told, and told more often the longer the text', () => {
    const floors = [
      { pairs: 1, told: 0.7, right: 0.955 },
      { pairs: 3, told: 0.88, right: 0.985 },
      { pairs: 8, told: 0.95, right: 0.99 },
    ];
    for (const floor of floors) {
      const { told, right } = languagesTold(dataDir, detect, floor.pairs);
      assert.ok(told >= floor.told && right >= floor.right, `${floor.pairs}: told ${told}, right ${right}`);
    }
  });

  it('is English for English questions', () => {
    const texts = rowsOf<{ readonly text: string }>(dataDir, 'banking77-train.jsonl').slice(0, 3000);
    const { told, right } = toldOf(
      texts.map(({ text }) => ({ lang: 'en', text })),
      detect,
    );
    assert.ok(told >= 0.99 && right >= 0.999, `told ${told}, right ${right}`);
  });
});

describe('sensitive data, on data sets', { skip }, () => {
  const least: Readonly<Record<string, number>> = {
    email: 1,
    phone: 0.97,
    card: 1,
    iban: 1,
    'national-id': 1,
    'ip-address': 1,
    address: 0.45,
    person: 0.05,
  };

  it('is found among synthetic people, and nothing is found that is not there', () => {
    for (const { kind, wanted, given, right, met } of skip === false ? sensitiveFound(dataDir) : []) {
      assert.equal(right, given, `${kind}: ${given - right} of ${given} are wrong`);
      if (wanted > 0) assert.ok(met / wanted >= (least[kind] ?? 1), `${kind}: ${met} of ${wanted}`);
    }
  });

  it('is not found where there is none', () => {
    const asked = ['clinc150-dev.jsonl', 'banking77-train.jsonl'].flatMap((file) =>
      rowsOf<{ readonly text: string }>(dataDir, file).map(({ text }) => text),
    );
    assert.deepEqual([...foundPerThousand(asked)], []);
  });

  it('is hardly found in questions of schools, whose people are made up', () => {
    const clinical =
      /medicine|anatomy|clinical|virology|nutrition|aging|biology|psychology|sexuality|genetics|moral_scenarios/;
    const texts = strongWeak(dataDir).filter(({ group }) => !clinical.test(group));
    const found = foundPerThousand(texts.map(({ prompt }) => prompt));
    for (const [kind, count] of found) assert.ok(count < 1, `${kind}: ${count} of a thousand`);
  });
});

describe('difficulty, on data sets', { skip }, () => {
  it('is worth more than length alone', () => {
    const both = skip === false ? strongWeak(dataDir) : [];
    const sets = [
      both.filter(({ bench }) => bench === 'mmlu'),
      both.filter(({ bench }) => bench === 'gsm8k'),
      both,
      skip === false ? multimodel(dataDir) : [],
    ];
    for (const rows of sets) {
      const [own, length] = [apgr(rows, (prompt) => difficultyOf(prompt)), apgr(rows, (prompt) => prompt.length)];
      assert.ok(own >= length + 0.01, `${own} against ${length}`);
    }
  });
});

describe('docs/reference/facts.md', { skip }, () => {
  it('has the same rows as are made now, whatever the numbers', () => {
    const file = new URL('../../docs/reference/facts.md', import.meta.url);
    const rows = (page: string): string =>
      page.replaceAll(/\d+(?:\.\d+)?/g, '#').replaceAll(/^\| \w+ \| # \| `.*$/gm, '');
    assert.equal(rows(readFileSync(file, 'utf8')), rows(factsPage(dataDir, detect)));
  });
});
