import assert from 'node:assert/strict';
import { useFakeTimers } from 'sinon';
import type { ErrorCode } from '../../src/errors.js';
import { createChangesetConverter } from '../../src/pipeline/changeset-documents.js';
import { UploadPipeline } from '../../src/pipeline/upload-pipeline.js';
import { StoreError } from '../../src/store/store-error.js';
import type { Document } from '../../src/store/document.js';
import type { ClientFile, CommitRequest, CommitResult, Store } from '../../src/store/store.js';
import { eventually } from '../../../test/support/eventually.js';
import { RecordingLogger } from '../../../test/support/server/recording-logger.js';
import { spanChangeset } from '../../../test/support/server/span-changeset.js';
import { uploadOf } from '../support/upload-of.js';

/** Spans of 600 kB: two of them fill a part of an upload. */
function largeSpans(names: readonly string[]): Uint8Array {
  const more = { text: { type: 'string', value: 'x'.repeat(600_000) } } as const;
  return spanChangeset(names, { more });
}

/** Takes every document for new, and keeps the requests. */
class FakeStore implements Pick<Store, 'commit' | 'findClientFile'> {
  readonly requests: CommitRequest[] = [];
  /** What the next commits do instead. */
  onCommit: ((request: CommitRequest) => Promise<CommitResult>) | undefined;

  async commit(request: CommitRequest): Promise<CommitResult> {
    this.requests.push(request);
    if (this.onCommit) return this.onCommit(request);
    return {
      stored: request.changesets.reduce((sum, { documents }) => sum + documents.length, 0),
      duplicates: 0,
      deadLetters: request.changesets.flatMap(({ rejections }) => rejections),
    };
  }

  findClientFile(ident: bigint): Promise<ClientFile | undefined> {
    const last = this.requests.findLast(({ file, isPart }) => file.ident === ident && isPart !== true);
    return Promise.resolve(last?.file);
  }
}

const failWith =
  (code: ErrorCode, retryable = true) =>
  (): Promise<CommitResult> =>
    Promise.reject(new StoreError(code, 'no room', { retryable }));

describe('UploadPipeline', () => {
  let store: FakeStore;
  let logger: RecordingLogger;

  beforeEach(() => {
    store = new FakeStore();
    logger = new RecordingLogger();
  });

  function createPipeline(settings: { classes?: string[] } = {}): {
    pipeline: UploadPipeline;
    broken: StoreError[];
    seconds: number[];
  } {
    const broken: StoreError[] = [];
    const seconds: number[] = [];
    const pipeline = new UploadPipeline({
      appId: 'my-app',
      store,
      saltKey: new Uint8Array(32).fill(3),
      converter: createChangesetConverter({ classPrefix: '', classes: settings.classes ?? [], logger }),
      observer: { broken: (error) => broken.push(error), committed: (took) => seconds.push(took) },
      logger,
    });
    return { pipeline, broken, seconds };
  }

  it('commits what was uploaded, with the time at which it came and the progress of its file', async () => {
    const { pipeline } = createPipeline();
    const before = Date.now();
    const sent = uploadOf(spanChangeset([], { schema: true }), spanChangeset(['a', 'b']));
    await pipeline.commit(sent);
    const [request, ...more] = store.requests;
    assert.deepEqual(more, []);
    assert.deepEqual([request!.appId, request!.file, request!.isPart], ['my-app', sent.file, false]);
    assert.deepEqual(
      request!.changesets.map(({ clientVersion, documents }) => [clientVersion, documents.length]),
      [
        [11n, 0],
        [12n, 2],
      ],
    );
    const receivedAt = request!.receivedAt.getTime();
    assert.ok(receivedAt >= before && receivedAt <= Date.now());
    for (const { document } of request!.changesets[1]!.documents) {
      assert.deepEqual({ ...(document.ingest as Document) }, { receivedAt: request!.receivedAt });
    }
    assert.deepEqual(await pipeline.findClientFile(2n ** 40n), sent.file);
    assert.deepEqual(pipeline.counters, {
      changesets: 2,
      documents: 2,
      duplicates: 0,
      deadLetters: {},
      storeFailures: {},
    });
  });

  it('reports how long each commit took', async () => {
    const { pipeline, seconds } = createPipeline();
    await pipeline.commit(uploadOf(largeSpans(['a', 'b', 'c'])));
    assert.equal(seconds.length, 2);
    assert.ok(seconds.every((each) => each >= 0 && each < 5));
  });

  it('begins no further commit once it is abandoned, and counts no failure', async () => {
    const { pipeline, broken } = createPipeline();
    const asked: (() => void)[] = [];
    store.onCommit = async () => {
      await new Promise<void>((resolve) => asked.push(resolve));
      throw new StoreError('store-closed', 'closed', { retryable: false });
    };
    // The first four fill the semaphore; the last one waits.
    const uploads = Array.from({ length: 5 }, () => pipeline.commit(uploadOf(largeSpans(['a', 'b']))));
    const outcomes = Promise.allSettled(uploads);
    await eventually('commits', () => asked.length === 4);
    pipeline.abandon();
    for (const go of asked) go();
    const codes = (await outcomes).map((outcome) =>
      outcome.status === 'rejected' ? (outcome.reason as { code?: string }).code : outcome.status,
    );
    assert.deepEqual(codes, Array<string>(5).fill('store-closed'));
    assert.equal(asked.length, 4);
    assert.deepEqual([pipeline.counters.storeFailures, pipeline.failure], [{}, undefined]);
    assert.deepEqual(broken, []);
    assert.deepEqual(logger.lines, []);
  });

  it('counts duplicates', async () => {
    const { pipeline } = createPipeline();
    store.onCommit = () => Promise.resolve({ stored: 0, duplicates: 2, deadLetters: [] });
    await pipeline.commit(uploadOf(spanChangeset(['a', 'b'])));
    const { documents, duplicates } = pipeline.counters;
    assert.deepEqual({ documents, duplicates }, { documents: 0, duplicates: 2 });
  });

  it('counts dead letters by reason, and logs one line a kind', async () => {
    const { pipeline } = createPipeline();
    await pipeline.commit(
      uploadOf(
        spanChangeset(['a', 'b'], { className: 'Stranger' }),
        spanChangeset(['c']).subarray(0, -1),
        spanChangeset(['d']),
      ),
    );
    assert.equal(pipeline.counters.documents, 1);
    assert.deepEqual(pipeline.counters.deadLetters, { 'class-not-admitted': 2, 'bad-changeset': 1 });
    assert.deepEqual(
      logger.at('warn').map(({ fields }) => fields),
      [
        {
          reason: 'class-not-admitted',
          className: 'Stranger',
          events: 1,
          userId: 'anon-1',
          fileIdent: '1099511627776',
        },
        {
          reason: 'bad-changeset',
          className: undefined,
          events: 1,
          userId: 'anon-1',
          fileIdent: '1099511627776',
        },
      ],
    );
  });

  describe('a large upload', () => {
    const commits = (): { documents: number; isPart: boolean }[] =>
      store.requests.map(({ changesets, isPart }) => ({
        documents: changesets.reduce((sum, { documents }) => sum + documents.length, 0),
        isPart: isPart === true,
      }));

    it('is committed in parts, its progress with the last one', async () => {
      const { pipeline } = createPipeline();
      const progress: boolean[] = [];
      let known: Promise<unknown> | undefined;
      await pipeline.commit(uploadOf(largeSpans(['a', 'b', 'c', 'd', 'e'])), () => {
        progress.push(store.requests.at(-1)?.isPart === true);
        known ??= pipeline.findClientFile(2n ** 40n);
      });
      assert.deepEqual(commits(), [
        { documents: 2, isPart: true },
        { documents: 2, isPart: true },
        { documents: 1, isPart: false },
      ]);
      assert.deepEqual(progress, [true, true], 'each part but the last is reported');
      assert.equal(await known, undefined, 'nobody knows the file before the last part');
      assert.ok(await pipeline.findClientFile(2n ** 40n));
      assert.deepEqual(pipeline.counters, {
        changesets: 1,
        documents: 5,
        duplicates: 0,
        deadLetters: {},
        storeFailures: {},
      });
    });

    it('fails if one of its parts fails, and can be repeated', async () => {
      const { pipeline } = createPipeline();
      const sent = uploadOf(largeSpans(['a', 'b', 'c']));
      const commit = store.commit.bind(store);
      store.commit = (request) =>
        request.isPart === true ? commit(request) : failWith('store-unavailable')();
      await assert.rejects(pipeline.commit(sent), StoreError);
      assert.equal(await pipeline.findClientFile(2n ** 40n), undefined);
      assert.equal(pipeline.counters.changesets, 0);
      assert.equal(pipeline.counters.documents, 2);
      store.commit = commit;
      await pipeline.commit(sent);
      assert.equal(pipeline.counters.changesets, 1);
      assert.ok(await pipeline.findClientFile(2n ** 40n));
    });

    it('lets others in between its parts', async () => {
      const { pipeline } = createPipeline();
      const large = Array.from({ length: 9 }, () => pipeline.commit(uploadOf(largeSpans(['a', 'b']))));
      let ended = 0;
      for (const each of large) void each.then(() => (ended += 1));
      await pipeline.commit(uploadOf(spanChangeset(['small'])));
      assert.equal(ended, 0);
      await Promise.all(large);
    });
  });

  it('never logs what an upload holds', async () => {
    const { pipeline } = createPipeline();
    await pipeline.commit(uploadOf(spanChangeset(['hunter2'], { className: 'Stranger' })));
    await pipeline.commit(uploadOf(Buffer.from('hunter2')));
    assert.ok(logger.lines.length > 0);
    assert.ok(!JSON.stringify(logger.lines).includes('hunter2'));
  });

  it('keeps salts apart by user, and gives the same each time', () => {
    const { pipeline } = createPipeline();
    const ident = pipeline.createClientFileIdent();
    assert.equal(pipeline.saltOf('anon-1', ident), pipeline.saltOf('anon-1', ident));
    assert.notEqual(pipeline.saltOf('anon-1', ident), pipeline.saltOf('anon-2', ident));
  });

  it('reports a failure for a minute, unless an upload succeeds or only dead letters have no room', async () => {
    const { pipeline } = createPipeline();
    const failure = (): string | undefined => pipeline.failure?.code;
    const fails = async (code: ErrorCode): Promise<void> => {
      store.onCommit = failWith(code);
      await assert.rejects(pipeline.commit(uploadOf(spanChangeset(['a']))), StoreError);
    };
    assert.equal(failure(), undefined);
    await fails('store-dead-letters-full');
    assert.equal(failure(), undefined);
    await fails('store-full');
    assert.equal(failure(), 'store-full');

    const clock = useFakeTimers({ now: Date.now(), toFake: ['performance'] });
    try {
      await fails('store-full');
      clock.tick(59_999);
      assert.equal(failure(), 'store-full');
      clock.tick(1);
      assert.equal(failure(), undefined, 'whoever was held back may have gone');
    } finally {
      clock.restore();
    }

    await fails('store-full');
    store.onCommit = undefined;
    await pipeline.commit(uploadOf(spanChangeset(['a'])));
    assert.equal(failure(), undefined);
  });

  it('logs a failure at once, at the level of the error, and once a minute', async () => {
    const { pipeline } = createPipeline();
    for (const code of ['store-full', 'store-full', 'store-unavailable'] as const) {
      store.onCommit = failWith(code);
      await assert.rejects(pipeline.commit(uploadOf(spanChangeset(['a']))), StoreError);
    }
    assert.deepEqual(
      logger.lines.map(({ level, message }) => [level, message]),
      ['error', 'warn'].map((level) => [level, 'the store cannot commit uploads: clients are held back']),
    );
  });

  it('rethrows the store’s errors, and reports a permanent one', async () => {
    for (const retryable of [true, false]) {
      store.onCommit = failWith('store-unavailable', retryable);
      const { pipeline, broken } = createPipeline();
      await assert.rejects(pipeline.commit(uploadOf(spanChangeset(['a']))), StoreError);
      assert.equal(broken.length, retryable ? 0 : 1);
      assert.equal(pipeline.counters.changesets, 0);
    }
  });
});
