import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { errorTable as ingestErrors } from '../realm-ingest/src/errors.js';
import { errorTable as exporterErrors } from '../src/errors.js';
import { sharedErrors } from '../src/wire/telemetry-error.js';
import { pageAt } from './support/pages.js';

const tables = { ...exporterErrors, ...ingestErrors };

interface Row {
  readonly code: string;
  readonly level: string;
  readonly message: string;
  readonly owner: string;
  readonly advice: string;
}

/** The rows of the documented table: code, level, message, package, what to do. */
function documentedRows(): Row[] {
  const { text } = pageAt('docs/errors.md');
  const rows = text.matchAll(
    /^\| *`([a-z-]+)` *\| *(debug|info|warn|error) *\| *(\S.*?) *\| *(\S+) *\| *(.*?) *\|$/gm,
  );
  return [...rows].map(([, code = '', level = '', message = '', owner = '', advice = '']) => ({
    ...{ code, level, message, owner, advice },
  }));
}

function ownerOf(code: string): string {
  if (code in sharedErrors) return 'both';
  return code in ingestErrors ? 'realm-ingest' : 'exporter';
}

describe('the tables of errors', () => {
  it('are documented, whole, with levels, messages and packages', () => {
    const rows = Object.entries(tables).map(([code, { level, message }]) =>
      [code, level, message, ownerOf(code)].join(', '),
    );
    const documented = documentedRows().map(({ code, level, message, owner }) =>
      [code, level, message, owner].join(', '),
    );
    assert.deepEqual(documented.sort(), rows.sort());
  });

  it('are documented with what to do', () => {
    assert.deepEqual(
      documentedRows().filter(({ advice }) => advice.length < 10),
      [],
    );
  });

  it('share nothing but what both packages raise', () => {
    const shared = Object.keys(exporterErrors).filter((code) => code in ingestErrors);
    assert.deepEqual(shared, Object.keys(sharedErrors));
  });

  for (const [table, sources] of [
    [exporterErrors, new URL('../src/', import.meta.url)],
    [ingestErrors, new URL('../realm-ingest/src/', import.meta.url)],
  ] as const) {
    it('have no code that nothing raises', () => {
      const text = readdirSync(sources, { recursive: true, encoding: 'utf8' })
        .filter((file) => /\.c?ts$/.test(file) && file !== 'errors.ts')
        .map((file) => readFileSync(new URL(file.replaceAll('\\', '/'), sources), 'utf8'))
        .join('\n');
      const unused = Object.keys(table).filter(
        (code) => !(code in sharedErrors) && !text.includes(`'${code}'`),
      );
      assert.deepEqual(unused, []);
    });
  }

  it('have messages that stand before a colon', () => {
    for (const [code, { message }] of Object.entries(tables)) {
      assert.match(message, /^[^\s].*[^\s.:!]$/, code);
    }
  });
});
