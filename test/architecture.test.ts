import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { describeArchitecture, readSources, type Layers, type Source } from './support/architecture.js';

const layers: Layers = {
  version: { uses: [] },
  wire: { uses: [] },
  time: { uses: ['platform'] },
  platform: { uses: [] },
  suppression: { uses: [] },
  diagnostics: { uses: [] },
  errors: { uses: ['wire'] },
  'connection-error': { uses: ['errors'] },
  'delivery-events': { uses: ['errors'] },
  model: { uses: ['wire', 'errors'] },
  realm: { uses: ['errors', 'connection-error', 'suppression'] },
  disk: { uses: ['connection-error', 'delivery-events', 'suppression', 'time', 'platform', 'realm'] },
  sync: { uses: ['connection-error', 'delivery-events', 'suppression', 'time', 'realm', 'disk'] },
  delivery: {
    uses: [
      ...['errors', 'connection-error', 'delivery-events', 'suppression', 'diagnostics', 'wire'],
      ...['time', 'platform'],
      ...['model', 'realm', 'disk', 'sync'],
    ],
  },
  exporter: {
    uses: [
      ...['errors', 'version', 'connection-error', 'suppression', 'diagnostics', 'wire', 'time'],
      ...['model', 'realm', 'delivery'],
    ],
  },
  index: { uses: ['errors', 'connection-error', 'wire', 'model', 'realm', 'delivery', 'exporter'] },
};

/** The packages that run where there is no Node. */
const browserSafePackages = ['@opentelemetry/api', '@opentelemetry/core', 'bson'];

const sources = readSources(fileURLToPath(new URL('../src', import.meta.url)));

describe('architecture of the exporter', () => {
  describeArchitecture(sources, layers);

  it('keeps Node out of what apps load in browsers', () => {
    const wrong = sources.filter(isBrowserSafe).flatMap((source) => [
      ...source.imports
        .filter(({ specifier }) => !specifier.startsWith('.') && specifier !== '#platform')
        .filter(({ specifier }) => !browserSafePackages.includes(specifier))
        .map(({ specifier }) => `${source.path} imports ${specifier}`),
      ...['Buffer', 'process', '__dirname', 'require']
        .filter((name) => source.identifiers.has(name))
        .map((name) => `${source.path} uses ${name}`),
    ]);
    assert.deepEqual(wrong, []);
  });

  it('has a wire contract that needs no other package', () => {
    const wrong = sources
      .filter(({ path }) => path.startsWith('wire/'))
      .flatMap(({ path, imports }) => imports.map(({ specifier }) => `${path} imports ${specifier}`))
      .filter((line) => !line.includes(' imports ./'));
    assert.deepEqual(wrong, []);
  });
});

function isBrowserSafe(source: Source): boolean {
  return !source.path.startsWith('platform/node/');
}
