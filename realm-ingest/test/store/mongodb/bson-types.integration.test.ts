import assert from 'node:assert/strict';
import { BSONType, onDemand } from 'bson';
import type { RealmValue } from '../../../src/changeset/realm-value.js';
import { openStore } from '../../../src/store/open-store.js';
import type { Document } from '../../../src/store/document.js';
import { createDocumentMapper } from '../../../src/telemetry/document-mapper.js';
import {
  createTestDatabase,
  describeMongodb,
  type TestDatabase,
} from '../../../../test/support/mongodb/test-database.js';
import { map, receivedAt, upload } from '../../support/commit-request.js';

/** 2026-03-01T12:00:00.123456789Z, beyond what a double holds exactly. */
const startNano = 1_772_366_400_123_456_789n;

const string = (value: string): RealmValue => ({ type: 'string', value });
const int = (value: bigint): RealmValue => ({ type: 'int', value });
const double = (value: number): RealmValue => ({ type: 'double', value });
const dictionary = (entries: Record<string, RealmValue>): RealmValue => ({
  type: 'dictionary',
  entries: new Map(Object.entries(entries)),
});

describeMongodb('in MongoDB, as its bytes say,', () => {
  let database: TestDatabase;
  /** Paths of a document with the names of their BSON types. */
  let span: Record<string, string>;
  let logRecord: Record<string, string>;

  before(async () => {
    database = await createTestDatabase();
    const mapper = createDocumentMapper({ admittedClasses: [] });
    const documentOf = (className: string, properties: Record<string, RealmValue>): Document => {
      const mapped = mapper.toDocument({
        place: 0,
        className,
        primaryKey: { type: 'objectId', value: new Uint8Array(12) },
        properties: new Map(Object.entries(properties)),
      });
      assert.ok('document' in mapped);
      mapped.document.ingest = map({ receivedAt });
      return mapped.document;
    };
    const store = await openStore(database.uri, { mode: 'serve' });
    const attributes = dictionary({
      'http%2Eresponse%2Estatus_code': double(200),
      ratio: double(0.5),
      nan: double(Number.NaN),
      large: int(2n ** 40n),
      ok: { type: 'bool', value: true },
      bytes: { type: 'binary', value: new Uint8Array([1]) },
    });
    await store.commit(
      upload([
        documentOf('Span', {
          ...{ traceId: string('0af7651916cd43dd8448eb211c80319c'), name: string('GET /'), flags: int(257n) },
          ...{
            startTimeUnixNano: int(startNano),
            endTimeUnixNano: int(startNano + 1n),
            durationNano: int(1n),
          },
          droppedAttributesCount: int(2n),
          attributes,
          attributesJson: string('{"routes":["/a","/b"],"nested":[[{"$numberInt":"1"}]]}'),
        }),
      ]),
    );
    await store.commit(
      upload(
        [
          documentOf('LogRecord', {
            ...{ timeUnixNano: int(startNano), observedTimeUnixNano: int(0n), severityNumber: int(9n) },
            body: string('hello'),
          }),
        ],
        'LogRecord',
      ),
    );
    await store.close();
    [span, logRecord] = await Promise.all([typesIn('Span'), typesIn('LogRecord')]);
  });

  after(() => database.remove());

  async function typesIn(collection: string): Promise<Record<string, string>> {
    const bytes: unknown = await database.db.collection(collection).findOne({}, { raw: true });
    return Object.fromEntries(typesOf(bytes as Uint8Array, ''));
  }

  it('ids are ObjectIds, and times are dates, with Int64 for their nanoseconds', () => {
    const { _id, startTime, endTime, startTimeUnixNano, endTimeUnixNano, durationNano } = span;
    assert.deepEqual(
      { _id, startTime, endTime, startTimeUnixNano, endTimeUnixNano, durationNano },
      {
        _id: 'objectId',
        startTime: 'date',
        endTime: 'date',
        startTimeUnixNano: 'long',
        endTimeUnixNano: 'long',
        durationNano: 'long',
      },
    );
    const { time, timeUnixNano } = logRecord;
    assert.deepEqual([time, timeUnixNano], ['date', 'long']);
    assert.deepEqual([span['ingest.receivedAt'], logRecord['ingest.receivedAt']], ['date', 'date']);
  });

  it('a day of nanoseconds is exact to the last', async () => {
    const found = await database.db.collection('Span').findOne({}, { useBigInt64: true });
    assert.equal(found?.startTimeUnixNano, startNano);
  });

  it('counts, flags and severities are Int32', () => {
    assert.deepEqual(
      [span.flags, span.droppedAttributesCount, logRecord.severityNumber],
      ['int', 'int', 'int'],
    );
  });

  it('attributes have the type of their value: the smallest integer, or a double', () => {
    assert.deepEqual(
      ['http.response.status_code', 'ratio', 'nan', 'large', 'ok', 'bytes'].map(
        (name) => span[`attributes.${name}`],
      ),
      ['int', 'double', 'double', 'long', 'bool', 'binData'],
    );
  });

  it('lists are arrays at every level', () => {
    assert.deepEqual(
      ['routes', 'routes.0', 'nested', 'nested.0', 'nested.0.0'].map((name) => span[`attributes.${name}`]),
      ['array', 'string', 'array', 'array', 'int'],
    );
  });

  it('texts are strings, and nothing is null', () => {
    assert.deepEqual([span.traceId, span.name, logRecord.body], ['string', 'string', 'string']);
    assert.ok(!Object.values({ ...span, ...logRecord }).includes('null'));
  });
});

const typeNames = new Map(Object.entries(BSONType).map(([name, type]) => [type as number, name]));

/** The type byte of every element, by its path. */
function* typesOf(bytes: Uint8Array, prefix: string): Generator<[string, string]> {
  for (const [type, nameOffset, nameLength, offset, length] of onDemand.parseToElements(bytes)) {
    const name = prefix + Buffer.from(bytes.subarray(nameOffset, nameOffset + nameLength)).toString();
    yield [name, typeNames.get(type) ?? String(type)];
    if (type === BSONType.object || type === BSONType.array) {
      yield* typesOf(bytes.subarray(offset, offset + length), `${name}.`);
    }
  }
}
