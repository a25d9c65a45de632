import assert from 'node:assert/strict';
import * as ingest from '../src/index.js';

describe('what servers import', () => {
  it('exports what is promised, and nothing else', () => {
    assert.deepEqual(Object.keys(ingest).sort(), [
      'InvalidOptionError',
      'ListenError',
      'RealmTelemetryError',
      'SecretError',
      'StoreError',
      'createIngestServer',
      'errorTable',
      'openStore',
    ]);
  });
});
