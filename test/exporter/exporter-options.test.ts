import assert from 'node:assert/strict';
import { InvalidOptionError } from '../../src/wire/telemetry-error.js';
import type { RealmExporterOptions } from '../../src/exporter/exporter-options.js';
import { RealmLogRecordExporter } from '../../src/exporter/realm-log-record-exporter.js';
import { RealmSpanExporter } from '../../src/exporter/realm-span-exporter.js';
import { recordTarget } from '../../src/delivery/record-target.js';
import { MemoryTarget } from '../support/memory-target.js';

const exporters = [RealmSpanExporter, RealmLogRecordExporter] as const;

for (const Exporter of exporters) {
  describe(`options of ${Exporter.name}`, () => {
    const connection = { [recordTarget]: new MemoryTarget() };

    for (const good of [
      { connection },
      { connection, layout: 'documents', timeoutMillis: 1, classPrefix: '' },
      { connection, layout: undefined, timeoutMillis: 2 ** 31 - 1, realm: undefined },
    ]) {
      it(`may be ${JSON.stringify(good)}`, () => {
        new Exporter(good as RealmExporterOptions);
      });
    }

    for (const [option, bad] of [
      ['options', undefined],
      ['options', null],
      ['options', 'connection'],
      ['connection', {}],
      ['connection', { connection, realm: {} }],
      ['connection', { connection: null }],
      ['connection', { connection: { flush: () => undefined } }],
      ['realm', { realm: null }],
      ['realm', { realm: {} }],
      ['layout', { connection, layout: 'batches' }],
      ['layout', { connection, layout: null }],
      ['timeoutMillis', { connection, timeoutMillis: 0 }],
      ['timeoutMillis', { connection, timeoutMillis: NaN }],
      ['timeoutMillis', { connection, timeoutMillis: 2 ** 31 }],
      ['timeoutMillis', { connection, timeoutMillis: '10' }],
      ['classPrefix', { connection, classPrefix: 'Acme' }],
      ['selfObsMeterProvider', { connection, selfObsMeterProvider: null }],
      ['selfObsMeterProvider', { connection, selfObsMeterProvider: { meter: 'a meter' } }],
    ] as const) {
      it(`must not be ${JSON.stringify(bad)}: the error names ${option}`, () => {
        assert.throws(
          () => new Exporter(bad as unknown as RealmExporterOptions),
          (error) => error instanceof InvalidOptionError && error.option === option,
        );
      });
    }

    it('leave the connection unchanged if they are wrong', () => {
      const target = new MemoryTarget();
      const wrong = { connection: { [recordTarget]: target }, classPrefix: 'Acme' };
      assert.throws(() => new Exporter(wrong));
      assert.equal(target.users, 0);
    });
  });
}
