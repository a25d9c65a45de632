import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { describeArchitecture, readSources, type Layers } from '../../test/support/architecture.js';

const layers: Layers = {
  version: { uses: [] },
  errors: { uses: [] },
  logger: { uses: [] },
  'log-throttle': { uses: ['logger'] },
  'settles-within': { uses: [] },
  protocol: { uses: ['errors'] },
  changeset: { uses: ['errors'] },
  // The errors that every writer to a store has to tell apart.
  'store/store-error': { uses: ['errors'] },
  store: { uses: ['errors', 'log-throttle', 'settles-within', 'store/store-error'], types: ['logger'] },
  telemetry: { uses: [], types: ['changeset', 'store'] },
  sync: {
    uses: ['errors', 'protocol', 'log-throttle', 'store/store-error'],
    types: ['store', 'logger'],
  },
  auth: { uses: ['errors', 'log-throttle', 'store/store-error'], types: ['store', 'logger'] },
  pipeline: {
    uses: ['errors', 'log-throttle', 'changeset', 'telemetry', 'store', 'store/store-error', 'sync'],
    types: ['logger', 'protocol'],
  },
  server: {
    uses: [
      ...['errors', 'version', 'logger', 'log-throttle', 'settles-within', 'protocol', 'store'],
      ...['store/store-error', 'sync', 'auth', 'pipeline'],
    ],
  },
  cli: {
    uses: ['errors', 'version', 'logger', 'store', 'store/store-error', 'auth', 'pipeline', 'server'],
  },
  index: { uses: ['errors', 'logger', 'server', 'store', 'store/store-error', 'auth'] },
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
