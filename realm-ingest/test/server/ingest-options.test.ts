import assert from 'node:assert/strict';
import { InvalidOptionError } from '../../../src/wire/telemetry-error.js';
import { resolveIngestOptions, type IngestServerOptions } from '../../src/server/ingest-options.js';
import { RecordingLogger } from '../../../test/support/server/recording-logger.js';
import { createSelfSignedCertificate } from '../support/self-signed-certificate.js';

const least = { appId: 'my-app', store: 'sqlite:telemetry.db', logger: new RecordingLogger() };

describe('options of createIngestServer', () => {
  it('have defaults, all but two', () => {
    assert.deepEqual(resolveIngestOptions(least), {
      appId: 'my-app',
      store: 'sqlite:telemetry.db',
      host: '127.0.0.1',
      metrics: undefined,
      port: 9090,
      publicUrl: undefined,
      secret: undefined,
      allowAnonymous: false,
      classes: [],
      classPrefix: '',
      collections: undefined,
      accessTokenSeconds: 1800,
      maxMessageBytes: 128 * 1024 * 1024,
      maxInflightBytes: 256 * 1024 * 1024,
      maxDeadLetterBytes: undefined,
      retentionSeconds: undefined,
      indexAttributes: false,
      tls: undefined,
      logger: least.logger,
    });
  });

  it('take undefined for what was not given', () => {
    const { store, appId } = least;
    assert.equal(resolveIngestOptions({ appId, store, port: undefined, host: undefined }).port, 9090);
  });

  it('take a secret as text', () => {
    const { secret } = resolveIngestOptions({ ...least, secret: 'é' });
    assert.deepEqual(secret, Uint8Array.of(0xc3, 0xa9));
  });

  const wrong: readonly [string, Partial<Record<keyof IngestServerOptions, unknown>>, RegExp][] = [
    ['appId', { appId: '' }, /appId is ""/],
    ['appId', { appId: 'my app' }, /letters, digits/],
    ['appId', { appId: '../x' }, /letters, digits/],
    ['appId', { appId: '..' }, /letters, digits/],
    ['appId', { appId: undefined }, /undefined/],
    ['store', { store: '' }, /not empty/],
    ['store', { store: undefined }, /undefined/],
    ['host', { host: '' }, /not empty/],
    ['host', { host: '0.0.0.0' }, /"insecure"/],
    ['host', { host: '::' }, /or with it TLS/],
    ['port', { port: 65536 }, /0 to 65535/],
    ['port', { port: -1 }, /-1/],
    ['port', { port: 1.5 }, /1\.5/],
    ['port', { port: '80' }, /"80"/],
    ['port', { port: NaN }, /NaN/],
    ['publicUrl', { publicUrl: 'telemetry.example.com' }, /https/],
    ['publicUrl', { publicUrl: 'https://example.com/ingest' }, /nothing but a port/],
    ['classes', { classes: ['realm_ingest.settings'] }, /names of Realm classes/],
    ['classes', { classes: [''] }, /names of Realm classes/],
    ['classes', { classes: ['Sensor', '$x'] }, /"\$x"/],
    ['classes', { classes: ['x'.repeat(58)] }, /57 bytes/],
    ['classes', { classes: ['system.users'] }, /system/],
    ['classes', { classes: ['a..b'] }, /valid names of collections/],
    ['collections', { collections: { Sensor: 'sensors' } }, /classes that are stored: Span, LogRecord/],
    ['collections', { collections: { Span: 'system.x' } }, /names of at most/],
    ['indexAttributes', { indexAttributes: true, store: {} }, /openStore/],
    ['retentionSeconds', { retentionSeconds: 60, store: {} }, /openStore/],
    ['maxDeadLetterBytes', { maxDeadLetterBytes: 60, store: {} }, /openStore/],
    ['classPrefix', { classPrefix: '1' }, /begin with a letter/],
    ['accessTokenSeconds', { accessTokenSeconds: 0 }, /from 1 to/],
    ['maxMessageBytes', { maxMessageBytes: 1023 }, /1024/],
    ['maxMessageBytes', { maxMessageBytes: 2 ** 31 }, /1073741824/],
    ['maxInflightBytes', { maxInflightBytes: 0 }, /from 1024 on/],
    ['maxDeadLetterBytes', { maxDeadLetterBytes: -1 }, /from 0 on/],
    ['tls', { tls: { cert: 'x', key: 'y' } }, /a certificate and its key, both PEM/],
    ['tls', { tls: {} }, /both PEM/],
    ['tls', { tls: { cert: '', key: '' } }, /empty/],
  ];
  for (const [option, given, message] of wrong) {
    it(`refuse ${option}: ${JSON.stringify(given[option as keyof IngestServerOptions])}`, () => {
      assert.throws(
        () => resolveIngestOptions({ ...least, ...given } as IngestServerOptions),
        (error) => {
          assert.ok(error instanceof InvalidOptionError);
          assert.equal(error.option, option);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  it('listen beyond loopback where TLS or insecure is given', () => {
    const tls = createSelfSignedCertificate();
    for (const more of [{ insecure: true }, { tls }]) {
      assert.equal(resolveIngestOptions({ ...least, host: '0.0.0.0', ...more }).host, '0.0.0.0');
    }
  });
});
