import assert from 'node:assert/strict';
import { diag, DiagLogLevel, type DiagLogger } from '@opentelemetry/api';
import { Diagnostics } from '../src/diagnostics.js';

describe('Diagnostics', () => {
  let now: number;
  let logged: string[] = [];

  function useLogger(log: (message: string) => void): void {
    const logger: DiagLogger = { error: log, warn: log, info: log, debug: log, verbose: log };
    diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
    logged = [];
  }

  beforeEach(() => {
    now = 0;
    useLogger((message) => void logged.push(message));
  });

  afterEach(() => {
    diag.disable();
  });

  it('logs each kind at most once a minute, and then how many messages it skipped', () => {
    const diagnostics = new Diagnostics('Exporter', () => now);
    for (const at of [0, 1, 30_000, 59_999, 60_000, 119_999]) {
      now = at;
      diagnostics.report('warn', 'flush', `at ${at}`);
    }
    assert.deepEqual(logged, [
      'Exporter: at 0',
      'Exporter: at 60000 (3 more of this kind since the last one)',
    ]);
  });

  it('counts each kind for itself', () => {
    const diagnostics = new Diagnostics('Exporter', () => now);
    diagnostics.report('warn', 'a', 'first');
    diagnostics.report('error', 'b', 'second');
    assert.deepEqual(logged, ['Exporter: first', 'Exporter: second']);
  });

  it('cuts messages that are too long', () => {
    new Diagnostics('Exporter').report('warn', 'a', 'x'.repeat(5_000_000));
    assert.equal(logged[0]!.length, 'Exporter: '.length + 2000);
  });

  it('does not throw if the app’s logger does', () => {
    useLogger(() => {
      throw new Error('no disk for logs');
    });
    new Diagnostics('Exporter').report('error', 'a', 'b');
  });
});
