import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { describeArchitecture, readSources, type Layers } from '../../test/support/architecture.js';

const layers: Layers = {
  version: { uses: [] },
  errors: { uses: [] },
  logger: { uses: [] },
  time: { uses: [] },
  protocol: { uses: ['errors'] },
  changeset: { uses: ['errors'] },
  // The errors that every writer to a store has to tell apart.
  'store/store-error': { uses: ['errors'] },
  store: { uses: ['time', 'store/store-error'], types: ['errors', 'logger'] },
  telemetry: { uses: [], types: ['changeset', 'store'] },
  pipeline: {
    uses: ['time', 'changeset', 'telemetry', 'store', 'store/store-error'],
    types: ['errors', 'logger', 'protocol'],
  },
  sync: {
    uses: ['errors', 'time', 'protocol', 'store/store-error'],
    types: ['logger', 'store', 'pipeline'],
  },
  auth: { uses: ['errors', 'time', 'store/store-error'], types: ['logger', 'store'] },
  server: {
    uses: [
      ...['errors', 'version', 'time', 'protocol', 'store', 'store/store-error'],
      ...['pipeline', 'sync', 'auth'],
    ],
    types: ['logger'],
  },
  cli: { uses: ['errors', 'version', 'store', 'auth', 'pipeline', 'server'], types: ['logger'] },
  index: { uses: ['errors', 'store', 'store/store-error', 'auth', 'server'], types: ['logger'] },
};

const sources = readSources(fileURLToPath(new URL('../src', import.meta.url)));

describe('architecture of realm-ingest', () => {
  describeArchitecture(sources, layers);

  it('takes of the exporter what both agree on, and nothing else', () => {
    const wrong = sources.flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier }) => /^(opentelemetry-exporter-realm|@opentelemetry\/|realm$)/.test(specifier))
        .filter(({ specifier }) => specifier !== 'opentelemetry-exporter-realm/wire')
        .map(({ specifier }) => `${path} imports ${specifier}`),
    );
    assert.deepEqual(wrong, []);
  });

  it('knows MongoDB’s driver in the store only', () => {
    const wrong = sources
      .filter(({ path }) => !path.startsWith('store/'))
      .filter(({ imports }) => imports.some(({ specifier }) => specifier === 'mongodb'));
    assert.deepEqual(
      wrong.map(({ path }) => path),
      [],
    );
  });
});
