import assert from 'node:assert/strict';
import { createChangesetConverter } from '../../src/pipeline/changeset-documents.js';
import { UploadPipeline, type Upload } from '../../src/pipeline/upload-pipeline.js';
import type { Int32 } from 'bson';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { retryDeadLetter } from '../../src/pipeline/dead-letter-retry.js';
import type { Document } from '../../src/store/document.js';
import { spanChangeset } from '../../../test/support/server/span-changeset.js';
import type { RealmValue } from '../../src/changeset/realm-value.js';
import { maxDocumentBytes } from '../../src/store/document-limits.js';
import { openStore } from '../../src/store/open-store.js';
import type { DeadLetter, DeadLetterSummary, Store } from '../../src/store/store.js';
import { describeStores } from '../../../test/support/describe-stores.js';
import type { Scratch } from '../../../test/support/scratch.js';
import { insertInstructions } from '../../../test/support/server/insert-instructions.js';
import { encodeChangeset } from '../../../test/support/server/naive-codec.js';
import { RecordingLogger } from '../../../test/support/server/recording-logger.js';
import { collect } from '../support/commit-request.js';
import { uploadOf } from '../support/upload-of.js';

/** On every store: an object that MongoDB refuses does not affect the others. */
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

  it('stores the other objects of the changeset, and makes dead letters of these', async () => {
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

describe('UploadPipeline on SQLite', () => {
  let directory: string;
  let store: Store;
  let pipeline: UploadPipeline;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'realm-ingest-pipeline-'));
    store = await openStore(`sqlite:${join(directory, 'store.db')}`, { mode: 'serve' });
    pipeline = new UploadPipeline({
      appId: 'my-app',
      store,
      saltKey: new Uint8Array(32).fill(3),
      converter: converterFor(),
      observer: { broken: (error) => assert.fail(error) },
      logger: new RecordingLogger(),
    });
  });

  afterEach(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });

  const converterFor = (...classes: string[]): ReturnType<typeof createChangesetConverter> =>
    createChangesetConverter({ classPrefix: '', classes, logger: new RecordingLogger() });

  const documents = (collection: string): Promise<Document[]> => collect(store.documents(collection));

  const letters = (): Promise<DeadLetterSummary[]> => collect(store.deadLetters.list());

  async function wholeLetter(index: number): Promise<DeadLetter> {
    return (await store.deadLetters.find((await letters())[index]!.key))!;
  }

  it('stores documents with the time of their arrival, and the file with its progress', async () => {
    const before = Date.now();
    await pipeline.commit(uploadOf(spanChangeset([], { schema: true }), spanChangeset(['a', 'b'])));
    const stored = await documents('Span');
    assert.deepEqual(stored.map(({ name }) => name).sort(), ['a', 'b']);
    for (const { ingest } of stored) {
      const { receivedAt } = ingest as { receivedAt: Date };
      assert.ok(receivedAt.getTime() >= before && receivedAt.getTime() <= Date.now());
    }
    assert.deepEqual(
      await pipeline.findClientFile(2n ** 40n),
      uploadOf(spanChangeset([]), spanChangeset([])).file,
    );
    assert.deepEqual(pipeline.counters, {
      changesets: 2,
      documents: 2,
      duplicates: 0,
      deadLetters: {},
      storeFailures: {},
    });
  });

  it('makes a dead letter of the second of two different objects with one _id', async () => {
    const ids = [new Uint8Array(12).fill(5)];
    await pipeline.commit(uploadOf(spanChangeset(['first'], { ids }), spanChangeset(['second'], { ids })));
    assert.deepEqual(
      (await documents('Span')).map(({ name }) => name),
      ['first'],
    );
    assert.deepEqual(pipeline.counters.deadLetters, { 'id-conflict': 1 });
  });

  it('lets the first of two equal _ids win across its parts, with one dead letter however often it comes', async () => {
    const id = new Uint8Array(12).fill(5);
    const names = ['first', 'second', 'third', 'first again'];
    const ids = [id, ...[6, 7].map((byte) => new Uint8Array(12).fill(byte)), id];
    const more = { text: { type: 'string', value: 'x'.repeat(600_000) } } as const;
    const changeset = spanChangeset(names, { ids, more });
    const sent = uploadOf(changeset);
    await pipeline.commit(sent);
    await pipeline.commit(sent);
    assert.deepEqual((await documents('Span')).map(({ name }) => name).sort(), names.slice(0, 3).sort());
    assert.deepEqual(pipeline.counters.deadLetters, { 'id-conflict': 1 });
    const [letter, ...others] = await letters();
    assert.deepEqual(others, []);
    assert.equal(letter?.place, 3);
    assert.equal((await wholeLetter(0)).changeset.length, changeset.length);
  });

  describe('dead letters, retried', () => {
    it('are stored one by one once their class is admitted, with the time of their arrival', async () => {
      await pipeline.commit(
        uploadOf(spanChangeset(['a', 'b'], { className: 'Sensor', more: { n: { type: 'int', value: 7n } } })),
      );
      assert.equal((await letters()).length, 2);

      const letter = await wholeLetter(0);
      const result = await retryDeadLetter(store, converterFor('Sensor'), letter);
      assert.deepEqual(result.deadLetters, []);
      assert.equal(result.stored, 1);
      assert.equal((await letters()).length, 1);

      const [stored] = await documents('Sensor');
      assert.equal(stored!.n, 7n);
      assert.deepEqual((stored!.ingest as { receivedAt: Date }).receivedAt, letter.receivedAt);
    });

    it('stay where they are while nothing has changed', async () => {
      await pipeline.commit(
        uploadOf(spanChangeset(['a'], { className: 'Sensor' }), Buffer.from('ff', 'hex')),
      );
      const before = await letters();
      assert.equal(before.length, 2);
      for (const index of [0, 1]) {
        const letter = await wholeLetter(index);
        const { stored, deadLetters } = await retryDeadLetter(store, converterFor(), letter);
        assert.equal(stored, 0);
        assert.deepEqual(
          deadLetters.map(({ reason }) => reason),
          [letter.reason],
        );
      }
      assert.deepEqual(await letters(), before);
    });
  });

  it('converts numbers of our classes by their rules', async () => {
    const flags = { flags: { type: 'int', value: 257n } } as const;
    await pipeline.commit(uploadOf(spanChangeset(['a'], { more: flags })));
    const [stored] = await documents('Span');
    assert.equal((stored!.flags as Int32).value, 257);
  });
});
