import assert from 'node:assert/strict';
import { InvalidOptionError } from '../../src/wire/telemetry-error.js';
import { connect, type ConnectOptions } from '../../src/delivery/connect.js';
import { EngineBoundary } from '../support/engine-boundary.js';

const right = {
  Realm: new EngineBoundary().Realm,
  appId: 'app',
  baseUrl: 'http://127.0.0.1:9090',
  credentials: {},
};

describe('connect options', () => {
  function refusal(options: Record<string, unknown> | undefined): unknown {
    try {
      connect(options as never as ConnectOptions);
    } catch (error) {
      return error;
    }
    return undefined;
  }

  for (const [option, value] of [
    ['appId', ''],
    ['appId', 7],
    ['appId', undefined],
    ['baseUrl', undefined],
    ['baseUrl', 'localhost:9090'],
    ['baseUrl', 'ws://localhost:9090'],
    ['baseUrl', 'http://localhost:9090/path'],
    ['baseUrl', 'http://localhost:9090/?a=1'],
    ['credentials', undefined],
    ['credentials', 'my-api-key'],
    ['serviceName', ''],
    ['serviceName', 7],
    ['directory', ''],
    ['encryptionKey', new Uint8Array(32)],
    ['encryptionKey', 'x'.repeat(64)],
    ['classPrefix', '1x'],
    ['classPrefix', 7],
    ['maxUnsyncedBytes', 1000],
    ['maxUnsyncedBytes', 5e6 + 0.5],
    ['maxUnsyncedBytes', '256MiB'],
    ['whenFull', 'block'],
    ['maxUnsyncedAge', 3600],
    ['maxUnsyncedAge', '0d'],
    ['maxUnsyncedAge', '3 weeks'],
    ['maxUnsyncedAge', 'd'],
  ] as const) {
    it(`refuses ${option}: ${String(value)}`, () => {
      const error = refusal({ ...right, [option]: value });
      assert.ok(error instanceof InvalidOptionError, String(error));
      assert.equal(error.option, option);
    });
  }

  it('refuses several ways to connect at once', () => {
    const error = refusal({ ...right, app: { id: 'app' } });
    assert.ok(error instanceof InvalidOptionError);
  });

  it('refuses options that are not an object', () => {
    for (const options of [undefined, null, 'app'] as never[]) {
      assert.ok(refusal(options) instanceof InvalidOptionError);
    }
  });

  it('never quotes a key, a password or an encryption key', () => {
    const errors = [
      refusal({ ...right, credentials: 'my-api-key' }),
      refusal({ ...right, baseUrl: 'https://me:my-api-key@example.com' }),
      refusal({ ...right, encryptionKey: 'my-api-key' }),
    ];
    for (const error of errors) {
      assert.ok(error instanceof InvalidOptionError);
      assert.ok(!error.message.includes('my-api-key'), error.message);
    }
  });

  it('refuses a Realm that cannot sync', () => {
    const error = refusal({ ...right, Realm: Date });
    assert.equal((error as { code?: unknown }).code, 'unsupported-realm');
  });
});
