import assert from 'node:assert/strict';
import { join } from 'node:path';
import Realm, { endSessions } from '../support/engine/realm.mjs';
import { eventually } from '../support/eventually.js';
import { startIngest, type Ingest } from '../support/ingest.js';
import { createScratch, type Scratch } from '../support/scratch.js';
import { closeReader, storedDocuments } from '../support/stored.js';
import { InvalidOptionError } from '../../src/wire/telemetry-error.js';
import type { RecordTarget } from '../../src/delivery/record-target.js';
import { settledWithin } from '../../src/time/bounded-wait.js';
import { targetForRealm } from '../../src/delivery/realm-target.js';
import { schemasFor } from '../../src/wire/schema.js';

const appId = 'realm-target-test';

describe('a Realm that the app has opened', function () {
  this.timeout(120_000);
  let scratch: Scratch;
  let server: Ingest;
  let user: Realm.User;
  let realm: Realm;

  before(async () => {
    scratch = await createScratch();
    server = await startIngest({ appId, store: scratch.store });
    user = await new Realm.App({ id: appId, baseUrl: server.url }).logIn(Realm.Credentials.anonymous());
    realm = await openRealm('app.realm', schemasFor());
  });

  after(async () => {
    realm.close();
    endSessions();
    await closeReader(scratch.store);
    await server.close();
    await scratch.remove();
  });

  function openRealm(path: string, schema: unknown): Promise<Realm> {
    return Realm.open({ path, schema: schema as Realm.ObjectSchema[], sync: { user, flexible: true } });
  }

  function spans(target: RecordTarget, ...names: string[]) {
    return names.map((name) => ({
      kind: 'span' as const,
      className: 'Span',
      values: { _id: new target.ObjectId(), name },
      notes: [],
      sizeBytes: 50,
    }));
  }

  it('takes records, which arrive', async () => {
    const target = targetForRealm(realm);
    assert.deepEqual(await target.write(spans(target, 'a', 'b')), { stored: 2, failed: 0 });
    target.retain();
    await target.release(30_000);
    assert.equal(realm.isClosed, false, 'it is not ours to close');
    const names = (await storedDocuments(scratch.store, 'Span')).map(({ name }) => name);
    assert.deepEqual(names.sort(), ['a', 'b']);
  });

  it('may be in a transaction: records wait for its end', async () => {
    const target = targetForRealm(realm);
    realm.beginTransaction();
    const writing = target.write(spans(target, 'nested'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(await settledWithin(writing, 10), false);
    realm.commitTransaction();
    assert.deepEqual(await writing, { stored: 1, failed: 0 });
    assert.equal(realm.isInTransaction, false);
  });

  it('has one target, however many exporters write to it', () => {
    assert.equal(targetForRealm(realm), targetForRealm(realm, { classPrefix: '' }));
  });

  it('is refused if it is closed, local, not a Realm, or lacks our classes', async () => {
    const other = await openRealm('other.realm', [
      { name: 'Other', primaryKey: '_id', asymmetric: true, properties: { _id: 'objectId' } },
    ]);
    const local = new Realm({ path: join(scratch.path, 'local.realm'), schema: [] });
    for (const [value, pattern] of [
      [other, /no asymmetric class Span/],
      [local, /local/],
      [undefined, /open Realm/],
      [{}, /open Realm/],
    ] as const) {
      assert.throws(
        () => targetForRealm(value as Realm),
        (error: unknown) => {
          assert.ok(error instanceof InvalidOptionError);
          assert.match(error.message, pattern);
          return true;
        },
      );
    }
    assert.throws(() => targetForRealm(realm, { classPrefix: 'Acme' }), /no asymmetric class AcmeSpan/);
    local.close();
    assert.throws(() => targetForRealm(local), /closed/);
    await eventually('the upload', () => other.syncSession?.isConnected());
    other.close();
  });

  it('may be closed by the app: records fail, and nothing throws', async () => {
    const closing = await openRealm('closing.realm', schemasFor());
    const target = targetForRealm(closing);
    closing.close();
    const outcome = await target.write(spans(target, 'late'));
    assert.equal(outcome.failed, 1);
    assert.equal(outcome.error?.code, 'write-failed');
    target.retain();
    await target.release(1000);
  });
});
