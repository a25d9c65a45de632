import assert from 'node:assert/strict';
import * as everything from '../src/index.js';

describe('what apps import', () => {
  it('is this and nothing else', () => {
    assert.deepEqual(Object.keys(everything).sort(), [
      'ConnectionError',
      'ExportError',
      'InvalidOptionError',
      'RealmLogRecordExporter',
      'RealmSpanExporter',
      'RealmTelemetryError',
      'connect',
      'schemasFor',
    ]);
  });
});
