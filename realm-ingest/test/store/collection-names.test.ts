import assert from 'node:assert/strict';
import { InvalidOptionError } from '../../../src/wire/telemetry-error.js';
import { resolveCollectionNames, type StoredClasses } from '../../src/store/collection-names.js';

describe('the names of collections', () => {
  const byClass = (stored: StoredClasses, ...classes: string[]) => {
    const names = resolveCollectionNames(stored);
    return classes.map((className) => names.of(className));
  };

  it('are those of the classes by default', () => {
    const { span, logRecord, all } = resolveCollectionNames({ classPrefix: 'Acme', classes: ['Reading'] });
    assert.deepEqual([span, logRecord], ['AcmeSpan', 'AcmeLogRecord']);
    assert.deepEqual(all, ['AcmeSpan', 'AcmeLogRecord', 'Reading']);
  });

  it('can be given, for our classes and others', () => {
    const stored = { classes: ['Reading'], collections: { Span: 'traces', Reading: 'iot.readings' } };
    assert.deepEqual(byClass(stored, 'Span', 'LogRecord', 'Reading'), [
      'traces',
      'LogRecord',
      'iot.readings',
    ]);
    assert.equal(resolveCollectionNames(stored).span, 'traces');
    assert.deepEqual(resolveCollectionNames(stored).all, ['traces', 'LogRecord', 'iot.readings']);
  });

  it('may be exchanged, and may be those of renamed classes', () => {
    const exchanged = { collections: { Span: 'LogRecord', LogRecord: 'Span' } };
    assert.deepEqual(byClass(exchanged, 'Span', 'LogRecord'), ['LogRecord', 'Span']);
  });

  it('work for classes that are named twice', () => {
    assert.deepEqual(resolveCollectionNames({ classes: ['Span', 'A', 'A'] }).all, ['Span', 'LogRecord', 'A']);
  });

  it('work for a class whose name is not a valid name of a collection', () => {
    assert.throws(() => resolveCollectionNames({ classes: ['a..b'] }), /classes is "a\.\.b"/);
    assert.deepEqual(byClass({ classes: ['a..b'], collections: { 'a..b': 'ab' } }, 'a..b'), ['ab']);
  });

  const wrong: readonly [StoredClasses['collections'], RegExp][] = [
    [{ Sensor: 'sensors' }, /"Sensor"; expected classes that are stored: Span, LogRecord/],
    [{ span: 'traces' }, /"span"/],
    [{ constructor: 'traces' }, /"constructor"/],
    [JSON.parse('{"__proto__":"traces"}') as Record<string, string>, /"__proto__"/],
    [{ Span: 'LogRecord' }, /"LogRecord"; .*Span and LogRecord would share/],
    [{ Span: 'logs', LogRecord: 'logs' }, /"logs"; .*would share/],
    [{ Span: '' }, /""; expected names of at most 171 bytes/],
    [{ Span: 'realm_ingest.settings' }, /realm_ingest/],
    [{ Span: 'system.views' }, /system/],
    [{ Span: 'a$b' }, /"a\$b"/],
    [{ Span: 'a\0b' }, /NUL/],
    [{ Span: '\ud800' }, /names of at most/],
    [{ Span: '.a' }, /dot/],
    [{ Span: 'a.' }, /dot/],
    [{ Span: 'a..b' }, /two dots/],
    [{ Span: 'é'.repeat(86) }, /171 bytes/],
    [{ Span: 7 as unknown as string }, /collections is 7/],
    [['traces'] as unknown as Record<string, string>, /an array; expected names of collections by class/],
    ['traces' as unknown as Record<string, string>, /"traces"; expected names of collections by class/],
  ];
  for (const [collections, message] of wrong) {
    it(`are refused: ${JSON.stringify(collections)}`, () => {
      assert.throws(
        () => resolveCollectionNames({ collections }),
        (error) => {
          assert.ok(error instanceof InvalidOptionError);
          assert.equal(error.option, 'collections');
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  it('may have 171 bytes', () => {
    const name = 'é'.repeat(85) + 'x';
    assert.deepEqual(byClass({ collections: { Span: name } }, 'Span'), [name]);
  });
});
