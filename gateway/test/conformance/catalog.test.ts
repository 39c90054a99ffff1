/** The shipped catalog against its sources: fresh, complete, and untouched by a sync of the file it was made from. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CATALOG_FILE, generateCatalog, REPORT_FILE } from '../../../scripts/generate-catalog.ts';
import { parseCatalog } from '../../src/catalog/catalog.ts';
import { diffCatalog } from '../../src/catalog/diff.ts';
import { adoptCatalog, readModelsDev } from '../../src/catalog/sync.ts';
import { asRecord, parseJson } from '../../src/lib/json.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';

const suite = 'catalog is fresh';

describe(suite, { skip: corpusSkip(suite) }, () => {
  const snapshot = (): ReturnType<typeof parseJson> =>
    parseJson(readFileSync(join(corpusDir() ?? '', 'catalogue', 'models.dev.json'), 'utf8'));
  const shipped = parseCatalog(parseJson(readFileSync(CATALOG_FILE, 'utf8')));

  it('is what its sources give, and so is its page (npm run generate)', () => {
    const generated = generateCatalog();
    assert.ok(generated !== undefined);
    assert.equal(readFileSync(CATALOG_FILE, 'utf8'), generated.catalog);
    assert.equal(readFileSync(REPORT_FILE, 'utf8'), generated.report);
  });

  it('has every provider and model of the snapshot', () => {
    const providers = Object.entries(asRecord(asRecord(snapshot())?.['providers']) ?? {});
    assert.ok(providers.length >= 147);
    for (const [id, provider] of providers) {
      const models = Object.keys(asRecord(asRecord(provider)?.['models']) ?? {});
      assert.deepEqual(
        models.filter((model) => shipped.modelOf(id, model) === undefined),
        [],
        id,
      );
    }
  });

  it('does not change when the very file it was made from is synced', () => {
    const reading = readModelsDev(snapshot());
    assert.ok(reading.ok);
    assert.equal(reading.value.problemCount, 0);
    const { catalog, keptUrls } = adoptCatalog(shipped, reading.value.catalog, false);
    assert.deepEqual(keptUrls, []);
    const { providers, models, prices } = diffCatalog(shipped, catalog);
    const none = { added: [], removed: [], changed: [] };
    assert.deepEqual({ providers, models, prices }, { providers: none, models: none, prices: [] });
  });
});
