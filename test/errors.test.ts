import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { errorTable as ingestErrors } from '../realm-ingest/src/errors.js';
import { errorTable as exporterErrors } from '../src/errors.js';
import { sharedErrors } from '../src/wire/telemetry-error.js';

const tables = { ...exporterErrors, ...ingestErrors };

/** The rows of the documented table of error codes: `| code | level | meaning |`. */
function documentedRows(): string[] {
  const page = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| *`([a-z-]+)` *\| *(debug|info|warn|error) *\| *(\S.*?) *\|.*$/gm)];
  return rows.map(([, code, level, message]) => `${code}: ${level}, ${message}`);
}

describe('the tables of errors', () => {
  it('are documented, whole, with levels and messages', () => {
    const rows = Object.entries(tables).map(([code, { level, message }]) => `${code}: ${level}, ${message}`);
    assert.deepEqual(documentedRows().sort(), rows.sort());
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
