import assert from 'node:assert/strict';
import { diag, DiagLogLevel } from '@opentelemetry/api';
import sinon from 'sinon';
import { ExportDelegate } from '../../src/exporter/export-delegate.js';
import { ExportError } from '../../src/exporter/export-error.js';
import type { ExportResult } from '../../src/exporter/export-result.js';
import type { WriteOutcome } from '../../src/delivery/record-target.js';
import type { ResourceLike } from '../../src/model/readable-span.js';
import type { RealmRecord } from '../../src/model/realm-record.js';
import { RealmTelemetryError } from '../../src/wire/telemetry-error.js';
import { MemoryTarget, nothingStored } from '../support/memory-target.js';

interface Item {
  readonly resource: ResourceLike;
  readonly name: string;
}

const resource: ResourceLike = { attributes: {} };

function itemsNamed(...names: string[]): Item[] {
  return names.map((name) => ({ resource, name }));
}

/** Maps by name; a name that starts with `!` cannot be mapped, one with `~` loses a value. */
function toRecord(item: Item): RealmRecord {
  if (item.name.startsWith('!')) throw new Error(`no way to map ${item.name}`);
  const notes = item.name.startsWith('~') ? ['startTime: [NaN, NaN] is no time'] : [];
  return { kind: 'span', className: 'Span', values: { name: item.name }, notes, sizeBytes: 10 };
}

function namesOf(records: readonly RealmRecord[]): unknown[] {
  return records.map((record) => record.values.name);
}

describe('ExportDelegate', () => {
  let target: MemoryTarget;
  let logged: { level: string; message: string }[];

  beforeEach(() => {
    target = new MemoryTarget();
    logged = [];
    const log = (level: string) => (message: string) => void logged.push({ level, message });
    diag.setLogger(
      {
        error: log('error'),
        warn: log('warn'),
        info: log('info'),
        debug: log('debug'),
        verbose: log('verbose'),
      },
      { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
    );
  });

  afterEach(() => {
    diag.disable();
    sinon.restore();
  });

  function createDelegate(timeoutMillis = 15_000): ExportDelegate<Item> {
    return new ExportDelegate({ component: 'Exporter', signal: 'span', target, toRecord, timeoutMillis });
  }

  function exported(delegate: ExportDelegate<Item>, items: readonly Item[]): Promise<ExportResult> {
    return new Promise((resolve) => {
      delegate.export(items, resolve);
    });
  }

  describe('export', () => {
    it('stores what it is given, in order, and reports success', async () => {
      const result = await exported(createDelegate(), itemsNamed('a', 'b', 'c'));
      assert.deepEqual(result, { code: 0 });
      assert.deepEqual(namesOf(target.stored), ['a', 'b', 'c']);
    });

    it('reports success for nothing, without a write', async () => {
      const write = sinon.spy(target, 'onWrite');
      assert.deepEqual(await exported(createDelegate(), []), { code: 0 });
      assert.equal(write.callCount, 0);
    });

    it('drops what cannot be mapped alone, counts it, logs it and stores the rest', async () => {
      const result = await exported(createDelegate(), itemsNamed('a', '!b', 'c', '!d'));
      assert.deepEqual(result, { code: 0 });
      assert.deepEqual(namesOf(target.stored), ['a', 'c']);
      assert.deepEqual([...target.dropped], [['unmappable-record', 2]]);
      assert.equal(logged.length, 1);
      assert.match(logged[0]!.message, /^Exporter: 2 of 4 records cannot be mapped .*no way to map !b$/);
    });

    it('reports success, without a write, if nothing can be mapped', async () => {
      const write = sinon.spy(target, 'onWrite');
      assert.deepEqual(await exported(createDelegate(), itemsNamed('!a')), { code: 0 });
      assert.equal(write.callCount, 0);
      assert.deepEqual([...target.dropped], [['unmappable-record', 1]]);
    });

    it('survives items that are not even objects', async () => {
      const items = [null, undefined, 7, ...itemsNamed('a')] as unknown as Item[];
      assert.deepEqual(await exported(createDelegate(), items), { code: 0 });
      assert.deepEqual(namesOf(target.stored), ['a']);
      assert.deepEqual([...target.dropped], [['unmappable-record', 3]]);
    });

    it('logs values that were lost, once however many there are', async () => {
      const delegate = createDelegate();
      await exported(delegate, itemsNamed('~a', '~b'));
      await exported(delegate, itemsNamed('~c'));
      assert.deepEqual(
        logged.map(({ message }) => message),
        ['Exporter: a span lost a value: startTime: [NaN, NaN] is no time'],
      );
    });

    it('reports failure with the number of records if records were not stored', async () => {
      target.onWrite = (records) => Promise.resolve(nothingStored(records));
      const { code, error } = await exported(createDelegate(), itemsNamed('a', 'b'));
      assert.equal(code, 1);
      assert.ok(RealmTelemetryError.isError(error));
      assert.match(error.message, /2 records were not stored: disk full/);
    });

    it('reports failure and counts if the target breaks its contract and rejects', async () => {
      target.onWrite = () => Promise.reject(new Error('broken'));
      const { code, error } = await exported(createDelegate(), itemsNamed('a', 'b'));
      assert.equal(code, 1);
      assert.ok(error instanceof ExportError);
      assert.equal(error.failed, 2);
      assert.deepEqual([...target.dropped], [['export-failed', 2]]);
    });

    it('calls back once even if the callback throws, and tells diag', async () => {
      const delegate = createDelegate();
      const callback = sinon.stub().throws(new Error('in the callback'));
      delegate.export(itemsNamed('a'), callback);
      await delegate.forceFlush();
      delegate.export([], callback);
      assert.equal(callback.callCount, 2);
      assert.match(logged[0]!.message, /callback threw: in the callback/);
    });

    it('lets exports overlap and reports each by itself', async () => {
      const writes: ((outcome: WriteOutcome) => void)[] = [];
      target.onWrite = () => new Promise((resolve) => writes.push(resolve));
      const delegate = createDelegate();
      const first = exported(delegate, itemsNamed('a'));
      const second = exported(delegate, itemsNamed('b', 'c'));
      await until(() => writes.length === 2);
      writes[1]!(nothingStored([]));
      assert.equal((await second).code, 1);
      writes[0]!({ stored: 1, failed: 0 });
      assert.equal((await first).code, 0);
    });

    it('leaves the event loop to others while it maps a large batch', async () => {
      let turns = 0;
      const slow = new ExportDelegate<Item>({
        component: 'Exporter',
        signal: 'span',
        target,
        toRecord: (item) => {
          const end = performance.now() + 1;
          while (performance.now() < end);
          return toRecord(item);
        },
        timeoutMillis: 10_000,
      });
      const ticker = setInterval(() => (turns += 1), 1);
      await exported(slow, itemsNamed(...Array<string>(60).fill('a')));
      clearInterval(ticker);
      assert.equal(target.stored.length, 60);
      assert.ok(turns >= 5, `${turns} turns in 60 ms of mapping`);
    });
  });

  describe('asynchronous resource attributes', () => {
    it('are waited for', async () => {
      let arrive = (): void => undefined;
      const pending = {
        attributes: {},
        asyncAttributesPending: true,
        waitForAsyncAttributes: () => new Promise<void>((resolve) => (arrive = resolve)),
      };
      const result = exported(createDelegate(), [{ resource: pending, name: 'a' }]);
      await until(() => arrive.name !== 'arrive');
      assert.equal(target.stored.length, 0);
      pending.asyncAttributesPending = false;
      arrive();
      assert.equal((await result).code, 0);
      assert.equal(target.stored.length, 1);
    });

    for (const [how, waitForAsyncAttributes] of [
      ['reject', () => Promise.reject(new Error('no metadata server'))],
      [
        'throw',
        () => {
          throw new Error('no metadata server');
        },
      ],
      ['never come', () => new Promise<void>(() => undefined)],
    ] as const) {
      it(`lose nothing if they ${how}, and are waited for once`, async () => {
        const wait = sinon.spy(waitForAsyncAttributes);
        const item = {
          resource: { attributes: {}, asyncAttributesPending: true, waitForAsyncAttributes: wait },
          name: 'a',
        };
        const delegate = createDelegate(40);
        assert.equal((await exported(delegate, [item, item])).code, 0);
        assert.equal((await exported(delegate, [item])).code, 0);
        assert.equal(target.stored.length, 3);
        assert.equal(wait.callCount, 1);
        assert.match(logged[0]!.message, /asynchronous attributes/);
      });
    }
  });

  describe('forceFlush', () => {
    it('waits for the commit of everything exported so far', async () => {
      let commit = (): void => undefined;
      target.onWrite = (records) =>
        new Promise((resolve) => {
          commit = () => {
            resolve({ stored: records.length, failed: 0 });
          };
        });
      const delegate = createDelegate();
      const callback = sinon.spy();
      delegate.export(itemsNamed('a'), callback);
      let flushed = false;
      const flush = delegate.forceFlush().then(() => (flushed = true));
      await new Promise(setImmediate);
      assert.equal(flushed, false);
      commit();
      await flush;
      assert.equal(callback.callCount, 1);
    });

    it('is bounded, and says so', async () => {
      target.onWrite = () => new Promise(() => undefined);
      const delegate = createDelegate(30);
      delegate.export(itemsNamed('a'), () => undefined);
      await Promise.all([delegate.forceFlush(), delegate.forceFlush()]);
      assert.match(logged[0]!.message, /not committed within 30 ms/);
    });

    it('does not reject if an export failed', async () => {
      target.onWrite = () => Promise.reject(new Error('broken'));
      const delegate = createDelegate();
      delegate.export(itemsNamed('a'), () => undefined);
      await delegate.forceFlush();
    });
  });

  describe('shutdown', () => {
    it('waits for running exports, then releases the target once, whoever calls how often', async () => {
      const order: string[] = [];
      target.onWrite = async (records) => {
        await new Promise(setImmediate);
        order.push('written');
        return { stored: records.length, failed: 0 };
      };
      target.onRelease = () => {
        order.push('released');
        return Promise.resolve();
      };
      const delegate = createDelegate();
      assert.equal(target.users, 1);
      delegate.export(itemsNamed('a'), () => undefined);
      const first = delegate.shutdown();
      assert.equal(delegate.shutdown(), first);
      await first;
      assert.equal(delegate.shutdown(), first);
      assert.deepEqual(order, ['written', 'released']);
      assert.equal(target.users, 0);
    });

    it('keeps one bound for all of it, if writes hang and if the release hangs', async () => {
      target.onWrite = () => new Promise(() => undefined);
      target.onRelease = () => new Promise(() => undefined);
      const delegate = createDelegate(50);
      delegate.export(itemsNamed('a'), () => undefined);
      const start = performance.now();
      await delegate.shutdown();
      assert.ok(performance.now() - start < 10_000);
      assert.ok(target.releases[0]! < 50, `release was given ${target.releases[0]} ms`);
    });

    it('does not reject if the release breaks its contract', async () => {
      target.onRelease = () => Promise.reject(new Error('broken'));
      await createDelegate().shutdown();
      target.onRelease = () => {
        throw new Error('broken');
      };
      await createDelegate().shutdown();
    });

    it('makes later exports fail, counted, with an error that says how many', async () => {
      const delegate = createDelegate();
      await delegate.shutdown();
      const { code, error } = await exported(delegate, itemsNamed('a', 'b'));
      assert.equal(code, 1);
      assert.ok(error instanceof ExportError);
      assert.equal(error.code, 'exporter-shutdown');
      assert.equal(error.failed, 2);
      assert.equal(target.stored.length, 0);
      assert.deepEqual([...target.dropped], [['exporter-shutdown', 2]]);
      await delegate.forceFlush();
    });
  });
});

/** Lets the event loop turn until a condition holds. */
async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('the condition never held');
    await new Promise(setImmediate);
  }
}
