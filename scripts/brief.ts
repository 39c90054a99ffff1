/** A reporter for runs of thousands of tests: a line for each file with what its tests had to tell, and each failure whole. */
import { relative } from 'node:path';
import type { EventData } from 'node:test';
import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';

/** Gives a reporter as `run(…).compose(…)` takes it; files are named from the root. */
export function brief(root: string): (events: AsyncIterable<TestEvent>) => AsyncGenerator<string> {
  return async function* report(events) {
    const told: string[] = [];
    for await (const { type, data } of events) {
      if (type === 'test:fail' && data.details.type !== 'suite') yield failure(data, root);
      else if (type === 'test:diagnostic' && data.file !== undefined) told.push(data.message);
      else if (type === 'test:stdout' || type === 'test:stderr') yield data.message;
      else if (type === 'test:summary' && data.file !== undefined) {
        yield `${data.success ? '✔' : '✖'} ${relative(root, data.file)}: ${counts(data)}\n`;
        yield* told.splice(0).map((message) => `  ℹ ${message}\n`);
      }
    }
  };
}

function counts({ counts: { passed, tests }, duration_ms: ms }: EventData.TestSummary): string {
  const seconds = (ms / 1000).toFixed(1);
  return passed === tests ? `${passed} passed, ${seconds} s` : `${passed} of ${tests} passed, ${seconds} s`;
}

function failure({ name, file, line, details }: EventData.TestFail, root: string): string {
  const where = file === undefined ? '' : ` (${relative(root, file)}:${line ?? 0})`;
  const { error } = details;
  const why = inspect(error.cause ?? error).replaceAll(/^/gm, '    ');
  return `✖ ${name}${where}\n${why}\n`;
}
