import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Int32 } from 'bson';
import { useFakeTimers } from 'sinon';
import type { ErrorCode } from '../../src/errors.js';
import { createChangesetConverter } from '../../src/pipeline/changeset-documents.js';
import { retryDeadLetter } from '../../src/pipeline/dead-letter-retry.js';
import { UploadPipeline, type Upload } from '../../src/pipeline/upload-pipeline.js';
import type { RealmValue } from '../../src/changeset/realm-value.js';
import { maxDocumentBytes } from '../../src/store/document-limits.js';
import { openStore } from '../../src/store/open-store.js';
import { StoreError } from '../../src/store/store-error.js';
import type { Document } from '../../src/store/document.js';
import type { DeadLetter, DeadLetterSummary, Store } from '../../src/store/store.js';
import { eventually } from '../../../test/support/eventually.js';
import { describeStores } from '../../../test/support/describe-stores.js';
import type { Scratch } from '../../../test/support/scratch.js';
import { insertInstructions } from '../../../test/support/server/insert-instructions.js';
import { encodeChangeset } from '../../../test/support/server/naive-codec.js';
import { RecordingLogger } from '../../../test/support/server/recording-logger.js';
import { collect } from '../support/commit-request.js';
import { largeChangeset } from '../support/large-changeset.js';
import { spanChangeset } from '../../../test/support/server/span-changeset.js';

/** On every store, where what MongoDB refuses is not to cost its neighbours anything. */
describeStores('UploadPipeline, with documents that can never be stored', (kind) => {
  let scratch: Scratch;
  let store: Store;

  beforeEach(async () => {
    scratch = await kind.createScratch();
    store = await openStore(scratch.store, { mode: 'serve', classes: ['Reading'] });
  });

  afterEach(async () => {
    await store.close();
    await scratch.remove();
  });

  it('stores their neighbours of the same changeset, and sets them aside with reasons', async () => {
    const logger = new RecordingLogger();
    const pipeline = new UploadPipeline({
      appId: 'my-app',
      store,
      saltKey: new Uint8Array(32).fill(3),
      converter: createChangesetConverter({ classPrefix: '', classes: ['Reading'], logger }),
      observer: { broken: (error) => assert.fail(error) },
      logger,
    });
    const half: RealmValue = { type: 'string', value: 'x'.repeat(maxDocumentBytes / 2) };
    const nul: RealmValue = { type: 'dictionary', entries: new Map([['a\0b', { type: 'int', value: 1n }]]) };
    const properties: readonly (readonly [string, RealmValue])[][] = [
      [],
      [
        ['left', half],
        ['right', half],
      ],
      [['values', nul]],
      [],
    ];
    const bytes = encodeChangeset(
      properties.flatMap((more, n) =>
        insertInstructions({
          className: 'Reading',
          primaryKey: { type: 'objectId', value: new Uint8Array(12).fill(n) },
          properties: new Map([['n', { type: 'int', value: BigInt(n) }], ...more]),
        }),
      ),
    );
    const sent: Upload = {
      file: { ident: 2n ** 40n, salt: 99n, userId: 'anon-1', clientVersion: 11n, serverVersion: 1n },
      changesets: [
        { clientVersion: 11n, serverVersion: 1n, originTimestamp: 0n, originFileIdent: 0n, bytes },
      ],
    };

    await pipeline.commit(sent);
    await pipeline.commit(sent); // changes nothing

    const stored = (await collect(store.documents('Reading'))).map(({ n }) => n);
    assert.deepEqual(stored.sort(), [0n, 3n]);
    assert.deepEqual(pipeline.counters, {
      changesets: 2,
      documents: 2,
      duplicates: 2,
      deadLetters: { 'too-large': 1, 'unstorable-value': 1 },
      storeFailures: {},
    });
    const letters = await collect(store.deadLetters.list());
    assert.deepEqual(
      letters.map(({ place, className, reason }) => [place, className, reason]),
      [
        [1, 'Reading', 'too-large'],
        [2, 'Reading', 'unstorable-value'],
      ],
    );
    assert.match(letters[0]!.detail, /^\d+ bytes of BSON; at most 16777216 can be stored$/u);
    assert.match(letters[1]!.detail, /NUL/u);
    const whole = await store.deadLetters.find(letters[1]!.key);
    assert.ok(Buffer.from(bytes).equals(whole!.changeset), 'a dead letter has the changeset as it came');
    assert.equal((await pipeline.findClientFile(sent.file.ident))?.clientVersion, 11n);
  });
});

describe('UploadPipeline', () => {
  let directory: string;
  let store: Store;
  let logger: RecordingLogger;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'realm-ingest-pipeline-'));
    store = await openStore(`sqlite:${join(directory, 'store.db')}`, { mode: 'serve' });
    logger = new RecordingLogger();
  });

  afterEach(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });

  function createPipeline(settings: { classes?: string[] } = {}): {
    pipeline: UploadPipeline;
    broken: StoreError[];
  } {
    const broken: StoreError[] = [];
    const pipeline = new UploadPipeline({
      appId: 'my-app',
      store,
      saltKey: new Uint8Array(32).fill(3),
      converter: createChangesetConverter({ classPrefix: '', classes: settings.classes ?? [], logger }),
      observer: { broken: (error) => broken.push(error) },
      logger,
    });
    return { pipeline, broken };
  }

  function upload(...changesets: Uint8Array[]): Upload {
    const clientVersion = 10n + BigInt(changesets.length);
    return {
      file: { ident: 2n ** 40n, salt: 99n, userId: 'anon-1', clientVersion, serverVersion: 1n },
      changesets: changesets.map((bytes, index) => ({
        clientVersion: 11n + BigInt(index),
        serverVersion: 1n,
        originTimestamp: 0n,
        originFileIdent: 0n,
        bytes,
      })),
    };
  }

  async function documents(collection: string): Promise<Document[]> {
    const found: Document[] = [];
    for await (const document of store.documents(collection)) found.push(document);
    return found;
  }

  async function letters(): Promise<DeadLetterSummary[]> {
    const found: DeadLetterSummary[] = [];
    for await (const letter of store.deadLetters.list()) found.push(letter);
    return found;
  }

  async function wholeLetter(index: number): Promise<DeadLetter> {
    return (await store.deadLetters.find((await letters())[index]!.key))!;
  }

  it('stores what was uploaded, with the time at which it came, and the file with its progress', async () => {
    const { pipeline } = createPipeline();
    const before = Date.now();
    await pipeline.commit(upload(spanChangeset([], { schema: true }), spanChangeset(['a', 'b'])));
    const stored = await documents('Span');
    assert.deepEqual(stored.map(({ name }) => name).sort(), ['a', 'b']);
    for (const { ingest } of stored) {
      const { receivedAt } = ingest as { receivedAt: Date };
      assert.ok(receivedAt.getTime() >= before && receivedAt.getTime() <= Date.now());
    }
    assert.deepEqual(
      await pipeline.findClientFile(2n ** 40n),
      upload(spanChangeset([]), spanChangeset([])).file,
    );
    assert.deepEqual(pipeline.counters, {
      changesets: 2,
      documents: 2,
      duplicates: 0,
      deadLetters: {},
      storeFailures: {},
    });
  });

  it('begins nothing more once it is abandoned, and blames the store for nothing', async () => {
    const { pipeline, broken } = createPipeline();
    const commit = store.commit.bind(store);
    const asked: (() => void)[] = [];
    store.commit = async (request) => {
      await new Promise<void>((resolve) => asked.push(resolve));
      return commit(request);
    };
    // Each of the first four is alone in its turn; the last one waits for its own.
    const { changeset } = largeChangeset(1_200_000, Buffer.alloc(8, 7));
    const uploads = Array.from({ length: 5 }, () => pipeline.commit(upload(changeset)));
    const outcomes = Promise.allSettled(uploads);
    await eventually('commits', () => asked.length === 4);
    pipeline.abandon();
    await store.close();
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

  it('stores nothing twice, and counts what came again', async () => {
    const { pipeline } = createPipeline();
    const sent = upload(spanChangeset(['a', 'b']));
    await pipeline.commit(sent);
    await pipeline.commit(sent);
    assert.equal((await documents('Span')).length, 2);
    assert.deepEqual(pipeline.counters, {
      changesets: 2,
      documents: 2,
      duplicates: 2,
      deadLetters: {},
      storeFailures: {},
    });
  });

  it('sets aside what cannot be stored, counted by reason, one line a kind', async () => {
    const { pipeline } = createPipeline();
    await pipeline.commit(
      upload(
        spanChangeset(['a', 'b'], { className: 'Stranger' }),
        spanChangeset(['c']).subarray(0, -1),
        spanChangeset(['d']),
      ),
    );
    assert.equal((await documents('Span')).length, 1);
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

  it('sets the second of two different objects with one _id aside: the first wins', async () => {
    const { pipeline } = createPipeline();
    const ids = [new Uint8Array(12).fill(5)];
    await pipeline.commit(upload(spanChangeset(['first'], { ids }), spanChangeset(['second'], { ids })));
    assert.deepEqual(
      (await documents('Span')).map(({ name }) => name),
      ['first'],
    );
    assert.deepEqual(pipeline.counters.deadLetters, { 'id-conflict': 1 });
  });

  describe('a large upload', () => {
    /** Bytes of the commits' documents, and whether they were parts. */
    let commits: { documents: number; isPart: boolean }[];
    let failing: number | undefined;

    beforeEach(() => {
      commits = [];
      failing = undefined;
      const commit = store.commit.bind(store);
      store.commit = (request) => {
        const documents = request.changesets.reduce((sum, each) => sum + each.documents.length, 0);
        commits.push({ documents, isPart: request.isPart === true });
        if (commits.length === failing) {
          return Promise.reject(new StoreError('store-unavailable', 'no', { retryable: true }));
        }
        return commit(request);
      };
    });

    it('is committed in parts, its progress with the last one', async () => {
      const { pipeline } = createPipeline();
      const { changeset, spans } = largeChangeset(2 * 2 ** 20, Buffer.alloc(8, 1));
      const progress: boolean[] = [];
      let known: Promise<unknown> | undefined;
      await pipeline.commit(upload(changeset), () => {
        progress.push(commits.at(-1)?.isPart === true);
        known ??= pipeline.findClientFile(2n ** 40n);
      });
      assert.ok(commits.length >= 2, `${commits.length} commits`);
      assert.deepEqual(
        commits.map(({ isPart }) => isPart),
        [...progress, false],
        'all but the last are parts, each of which is told',
      );
      assert.equal(await known, undefined, 'nobody knows the file before the last part');
      assert.ok(await pipeline.findClientFile(2n ** 40n));
      assert.deepEqual(pipeline.counters, {
        changesets: 1,
        documents: spans,
        duplicates: 0,
        deadLetters: {},
        storeFailures: {},
      });
    });

    it('fails with any of its parts, and is mended by a repetition', async () => {
      const { pipeline } = createPipeline();
      const sent = upload(largeChangeset(1.5 * 2 ** 20, Buffer.alloc(8, 1)).changeset);
      failing = 2;
      await assert.rejects(pipeline.commit(sent), StoreError);
      assert.equal(await pipeline.findClientFile(2n ** 40n), undefined);
      assert.equal(pipeline.counters.changesets, 0);
      const { documents: before } = pipeline.counters;
      assert.ok(before > 0);
      await pipeline.commit(sent);
      const { documents, duplicates } = pipeline.counters;
      assert.equal(duplicates, before);
      assert.ok(documents > before);
    });

    it('lets the first of two equal _ids win across its parts, with one dead letter however often it comes', async () => {
      const { pipeline } = createPipeline();
      const id = new Uint8Array(12).fill(5);
      const text = { text: { type: 'string', value: 'x'.repeat(600_000) } } as const;
      const names = ['first', 'second', 'third', 'first again'];
      const ids = [id, ...[6, 7].map((byte) => new Uint8Array(12).fill(byte)), id];
      const changeset = spanChangeset(names, { ids, more: text });
      const sent = upload(changeset);
      await pipeline.commit(sent);
      assert.deepEqual(
        commits.map(({ documents }) => documents),
        [2, 2, 0],
      );
      await pipeline.commit(sent);
      assert.deepEqual((await documents('Span')).map(({ name }) => name).sort(), names.slice(0, 3).sort());
      assert.deepEqual(pipeline.counters.deadLetters, { 'id-conflict': 1 });
      const [letter, ...others] = await letters();
      assert.deepEqual(others, []);
      assert.equal(letter?.place, 3);
      assert.equal((await wholeLetter(0)).changeset.length, changeset.length);
    });

    it('gives others their turn between its parts', async () => {
      store.commit = () => Promise.resolve({ stored: 0, duplicates: 0, deadLetters: [] });
      const { pipeline } = createPipeline();
      const { changeset } = largeChangeset(1.2 * 2 ** 20, Buffer.alloc(8, 1));
      const large = Array.from({ length: 9 }, () => pipeline.commit(upload(changeset)));
      let ended = 0;
      for (const each of large) void each.then(() => (ended += 1));
      await pipeline.commit(upload(spanChangeset(['small'])));
      assert.equal(ended, 0);
      await Promise.all(large);
    });
  });

  it('never logs what an upload holds', async () => {
    const { pipeline } = createPipeline();
    await pipeline.commit(upload(spanChangeset(['hunter2'], { className: 'Stranger' })));
    await pipeline.commit(upload(Buffer.from('hunter2')));
    assert.ok(logger.lines.length > 0);
    assert.ok(!JSON.stringify(logger.lines).includes('hunter2'));
  });

  it('keeps salts apart by user, and gives the same each time', () => {
    const { pipeline } = createPipeline();
    const ident = pipeline.createClientFileIdent();
    assert.equal(pipeline.saltOf('anon-1', ident), pipeline.saltOf('anon-1', ident));
    assert.notEqual(pipeline.saltOf('anon-1', ident), pipeline.saltOf('anon-2', ident));
  });

  it('knows for a minute that uploads fail, unless one succeeds or only dead letters find no room', async () => {
    const { pipeline } = createPipeline();
    const commit = store.commit.bind(store);
    const failure = (): string | undefined => pipeline.failure?.code;
    const fails = async (code: ErrorCode): Promise<void> => {
      store.commit = () => Promise.reject(new StoreError(code, 'no room', { retryable: true }));
      await assert.rejects(pipeline.commit(upload(spanChangeset(['a']))), StoreError);
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
    store.commit = commit;
    await pipeline.commit(upload(spanChangeset(['a'])));
    assert.equal(failure(), undefined);
  });

  it('logs at once that uploads fail, at the level of the error, and once a minute', async () => {
    const { pipeline } = createPipeline();
    for (const code of ['store-full', 'store-full', 'store-unavailable'] as const) {
      store.commit = () => Promise.reject(new StoreError(code, 'no room', { retryable: true }));
      await assert.rejects(pipeline.commit(upload(spanChangeset(['a']))), StoreError);
    }
    assert.deepEqual(
      logger.lines.map(({ level, message }) => [level, message]),
      ['error', 'warn'].map((level) => [level, 'the store takes no uploads: clients are held back']),
    );
  });

  it('passes a store that fails on to the session, and tells the server if it fails for good', async () => {
    for (const retryable of [true, false]) {
      store.commit = () => Promise.reject(new StoreError('store-unavailable', 'no', { retryable }));
      const { pipeline, broken } = createPipeline();
      await assert.rejects(pipeline.commit(upload(spanChangeset(['a']))), StoreError);
      assert.equal(broken.length, retryable ? 0 : 1);
      assert.equal(pipeline.counters.changesets, 0);
    }
  });

  describe('dead letters, retried', () => {
    const classes = (...names: string[]): ReturnType<typeof createChangesetConverter> =>
      createChangesetConverter({ classPrefix: '', classes: names, logger: new RecordingLogger() });

    it('are stored once their class is admitted, each on its own, with the time at which they came', async () => {
      await createPipeline().pipeline.commit(
        upload(spanChangeset(['a', 'b'], { className: 'Sensor', more: { n: { type: 'int', value: 7n } } })),
      );
      assert.equal((await letters()).length, 2);

      const letter = await wholeLetter(0);
      const result = await retryDeadLetter(store, classes('Sensor'), letter);
      assert.deepEqual(result.deadLetters, []);
      assert.equal(result.stored, 1);
      assert.equal((await letters()).length, 1);

      const [stored] = await documents('Sensor');
      assert.equal(stored!.n, 7n);
      assert.deepEqual((stored!.ingest as { receivedAt: Date }).receivedAt, letter.receivedAt);
    });

    it('stay where they are while nothing has changed', async () => {
      await createPipeline().pipeline.commit(
        upload(spanChangeset(['a'], { className: 'Sensor' }), Buffer.from('ff', 'hex')),
      );
      const before = await letters();
      assert.equal(before.length, 2);
      for (const index of [0, 1]) {
        const letter = await wholeLetter(index);
        const { stored, deadLetters } = await retryDeadLetter(store, classes(), letter);
        assert.equal(stored, 0);
        assert.deepEqual(
          deadLetters.map(({ reason }) => reason),
          [letter.reason],
        );
      }
      assert.deepEqual(await letters(), before);
    });
  });

  it('makes the same documents of telemetry as ever: numbers of our classes have their rules', async () => {
    const { pipeline } = createPipeline();
    const flags = { flags: { type: 'int', value: 257n } } as const;
    await pipeline.commit(upload(spanChangeset(['a'], { more: flags })));
    const [stored] = await documents('Span');
    assert.equal((stored!.flags as Int32).value, 257);
  });
});
