import assert from 'node:assert/strict';
import { schemasFor } from '../../src/index.js';
import type Realm from '../support/engine/realm.mjs';
import { BSON, engineName } from '../support/engine/realm.mjs';
import { describeStores } from '../support/describe-stores.js';
import { openDevice, openRealm, type Device } from '../support/device.js';
import { startIngest, type Ingest } from '../support/ingest.js';
import { useSite } from '../support/site.js';
import { storedDeadLetters, storedDocuments, type StoredDocument } from '../support/stored.js';

const appId = 'schemas';

type Properties = Record<string, Realm.ObjectSchema['properties'][string]>;

/** This release's classes with `changes` applied to one of them: undefined removes a property. */
function schemaWith(
  changes: Record<string, Record<string, Properties[string] | undefined>>,
): Realm.ObjectSchema[] {
  return schemasFor().map((schema) => {
    const properties = { ...(schema.properties as Properties), ...changes[schema.name] };
    const kept = Object.entries(properties).filter(([, type]) => type !== undefined);
    return { ...schema, properties: Object.fromEntries(kept) } as Realm.ObjectSchema;
  });
}

const newer = schemaWith({
  Span: {
    sampledBy: 'string?',
    weights: 'int[]',
    origin: 'SpanEvent?',
    ingest: 'string?',
    startTime: 'string?',
  },
  SpanEvent: { severity: 'int?' },
});
const older = schemaWith({
  Span: { droppedLinksCount: undefined, resourceSchemaUrl: undefined, flags: undefined },
  InstrumentationScope: { schemaUrl: undefined },
});
/** What no release of ours will do. */
const foreign = schemaWith({
  Span: {
    name: 'mixed',
    kind: 'int?',
    durationNano: 'double?',
    traceState: 'string[]',
    attributes: 'string?',
  },
});

describeStores(`schemas that differ, realm-js (${engineName} engine) and realm-ingest`, function (kind) {
  this.timeout(120_000);
  const site = useSite<Ingest>(kind, (store) => startIngest({ appId, store, classes: ['Order'] }));

  describe('of our own classes', () => {
    it('stores what only a newer exporter knows as it comes, beside everything else', async () => {
      const device = await open(newer);
      device.write('Span', { ...span('newer'), ...newerValues });
      await device.uploaded();
      assert.deepEqual(await stored('Span'), [storedNewer]);
      await assertNobodyComplains(device);
    });

    it('takes the spans of an older exporter', async () => {
      const device = await open(older);
      device.write('Span', span('older'));
      await device.uploaded();
      assert.deepEqual(await stored('Span'), [storedSpan('older')]);
      await assertNobodyComplains(device);
    });

    it('takes those of an exporter that is updated, and taken back, on one file', async () => {
      const before = await open(older);
      const { path } = before.realm;
      before.write('Span', span('before'));
      before.close();
      const updated = await openRealm(before, path, newer);
      updated.write('Span', { ...span('newer'), ...newerValues });
      updated.close();
      const takenBack = await openRealm(before, path, older);
      takenBack.write('Span', span('taken back'));
      await takenBack.uploaded();
      assert.deepEqual(
        byName(await stored('Span')),
        byName([storedSpan('before'), storedNewer, storedSpan('taken back')]),
      );
      await assertNobodyComplains(before, updated, takenBack);
    });

    it('stores what another client declares otherwise as it comes', async () => {
      const [ours, theirs] = [await open(), await open(foreign)];
      ours.write('Span', span('ours'));
      theirs.write('Span', {
        _id: id(),
        name: 7n,
        kind: 3,
        durationNano: 0.5,
        traceState: ['a', 'b'],
        attributes: 'none',
      });
      await Promise.all([ours.uploaded(), theirs.uploaded()]);
      assert.deepEqual(
        byName(await stored('Span')),
        byName([
          storedSpan('ours'),
          {
            name: { $numberLong: '7' },
            kind: { $numberLong: '3' },
            durationNano: { $numberDouble: '0.5' },
            traceState: ['a', 'b'],
            attributes: 'none',
          },
        ]),
      );
      await assertNobodyComplains(ours, theirs);
    });
  });

  it('stores what two clients declare in conflict as each of them writes it', async () => {
    const total = await open([orderSchema({ total: 'int', items: 'string[]' })]);
    const text = await open([orderSchema({ total: 'string', items: 'mixed{}', note: 'string?' })]);
    total.write('Order', { _id: id(), total: 5, items: ['tea', 'milk'] });
    text.write('Order', { _id: id(), total: 'five', items: { tea: 2 }, note: null });
    await Promise.all([total.uploaded(), text.uploaded()]);
    assert.deepEqual(
      byName(await stored('Order'), 'total'),
      byName(
        [
          { total: { $numberLong: '5' }, items: ['tea', 'milk'] },
          { total: 'five', items: { tea: { $numberDouble: '2.0' } }, note: null },
        ],
        'total',
      ),
    );
    await assertNobodyComplains(total, text);
  });

  function open(schema: Realm.ObjectSchema[] = schemaWith({})): Promise<Device> {
    return openDevice({ baseUrl: site.network.url, appId, schema });
  }

  /** Documents without their `_id`s. */
  async function stored(collection: string): Promise<StoredDocument[]> {
    const documents = await storedDocuments(site.store, collection);
    return documents.map((document) =>
      Object.fromEntries(Object.entries(document).filter(([name]) => name !== '_id')),
    );
  }

  async function assertNobodyComplains(...devices: Device[]): Promise<void> {
    assert.deepEqual(await storedDeadLetters(site.store), []);
    assert.deepEqual(
      devices.flatMap(({ errors }) => errors),
      [],
    );
    assert.deepEqual(site.server.errors, []);
  }
});

function orderSchema(properties: Properties): Realm.ObjectSchema {
  return {
    name: 'Order',
    asymmetric: true,
    primaryKey: '_id',
    properties: { _id: 'objectId', ...properties },
  };
}

const id = (): unknown => new BSON.ObjectId();

/** A span with what every schema here declares. */
function span(name: string): Record<string, unknown> {
  return {
    _id: id(),
    name,
    kind: 'SERVER',
    startTimeUnixNano: 1_700_000_000_123_456_789n,
    attributes: { 'http%2Eroute': '/pay' },
    scope: { name: 'shop' },
  };
}

function storedSpan(name: string): StoredDocument {
  return {
    name,
    kind: 'SERVER',
    startTime: { $date: { $numberLong: '1700000000123' } },
    startTimeUnixNano: { $numberLong: '1700000000123456789' },
    attributes: { http: { route: '/pay' } },
    scope: { name: 'shop' },
  };
}

const newerValues = {
  sampledBy: 'head',
  weights: [1, 2],
  origin: { name: 'retry', severity: 9 },
  events: [{ name: 'retry', severity: 17 }],
  ingest: 'what the server calls its own part',
  startTime: 'what the server makes of the nanoseconds',
};

const storedNewer = {
  ...storedSpan('newer'),
  sampledBy: 'head',
  weights: [{ $numberLong: '1' }, { $numberLong: '2' }],
  origin: { name: 'retry', severity: { $numberLong: '9' } },
  events: [{ name: 'retry', severity: { $numberLong: '17' } }],
  '%69ngest': 'what the server calls its own part',
  '%73tartTime': 'what the server makes of the nanoseconds',
};

function byName(documents: StoredDocument[], field = 'name'): StoredDocument[] {
  const key = (document: StoredDocument): string => JSON.stringify(document[field]);
  return documents.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}
