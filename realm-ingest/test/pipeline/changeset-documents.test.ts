import assert from 'node:assert/strict';
import { ObjectId } from 'bson';
import {
  ChangesetConverter,
  type ConvertedPart,
  type MappedObject,
} from '../../src/pipeline/changeset-documents.js';
import type { RealmObject, RealmValue } from '../../src/changeset/realm-value.js';
import type { Document } from '../../src/store/document.js';
import { encodeChangeset } from '../../../test/support/server/naive-codec.js';
import { RecordingLogger } from '../../../test/support/server/recording-logger.js';
import { spanChangeset } from '../../../test/support/server/span-changeset.js';

const receivedAt = new Date('2026-01-02T03:04:05.678Z');

describe('ChangesetConverter', () => {
  let logger: RecordingLogger;

  beforeEach(() => {
    logger = new RecordingLogger();
  });

  function converter(toDocument: (object: RealmObject) => MappedObject = asItIs): ChangesetConverter {
    return new ChangesetConverter({ toDocument, logger });
  }

  const source = (
    bytes: Uint8Array,
  ): { clientVersion: bigint; originFileIdent: bigint; bytes: Uint8Array } => ({
    clientVersion: 11n,
    originFileIdent: 0n,
    bytes,
  });

  it('makes a document of each object, in its place, with the time at which it came', async () => {
    const bytes = spanChangeset(['a', 'b']);
    const { documents, ...rest } = await converter().convert(source(bytes), receivedAt);
    assert.deepEqual(rest, { clientVersion: 11n, bytes, rejections: [] });
    assert.deepEqual(
      documents.map(({ place, className, collection, document }) => ({
        place,
        className,
        collection,
        name: document.name,
        ingest: { ...(document.ingest as Document) },
      })),
      [
        { place: 0, className: 'Span', collection: 'Span', name: 'a', ingest: { receivedAt } },
        { place: 1, className: 'Span', collection: 'Span', name: 'b', ingest: { receivedAt } },
      ],
    );
  });

  it('takes a changeset of nothing but a schema, or of nothing at all', async () => {
    for (const bytes of [new Uint8Array(0), spanChangeset([], { schema: true })]) {
      const { documents, rejections } = await converter().convert(source(bytes), receivedAt);
      assert.deepEqual({ documents, rejections }, { documents: [], rejections: [] });
    }
  });

  it('rejects an invalid changeset as a whole with the offset of the error, and does not blame the client', async () => {
    const bytes = spanChangeset(['a']).subarray(0, -3);
    const { documents, rejections } = await converter().convert(source(bytes), receivedAt);
    assert.deepEqual(documents, []);
    assert.equal(rejections.length, 1);
    assert.equal(rejections[0]!.reason, 'bad-changeset');
    assert.equal(rejections[0]!.place, undefined);
    assert.match(rejections[0]!.detail, /byte \d+/);
    assert.deepEqual(logger.at('error'), []);
  });

  it('rejects a changeset whole that erases something', async () => {
    const erase = Buffer.from('3f00045370616e03000a65aa00112233445566778899', 'hex');
    const { rejections } = await converter().convert(source(erase), receivedAt);
    assert.deepEqual(
      rejections.map(({ reason, place }) => ({ reason, place })),
      [{ reason: 'unexpected-instruction', place: undefined }],
    );
  });

  it("rejects a changeset whole that is not the client's own", async () => {
    const changeset = { ...source(spanChangeset(['a'])), originFileIdent: 7n };
    const { documents, rejections } = await converter().convert(changeset, receivedAt);
    assert.deepEqual(documents, []);
    assert.equal(rejections[0]!.reason, 'bad-changeset');
    assert.match(rejections[0]!.detail, /origin_file_ident is 7/);
  });

  it('rejects single objects without condemning the rest', async () => {
    const { documents, rejections } = await converter((object) =>
      object.place === 1 ? { reason: 'class-not-admitted', detail: 'no' } : asItIs(object),
    ).convert(source(spanChangeset(['a', 'b', 'c'])), receivedAt);
    assert.deepEqual(
      documents.map(({ place }) => place),
      [0, 2],
    );
    assert.deepEqual(rejections, [
      { place: 1, className: 'Span', reason: 'class-not-admitted', detail: 'no' },
    ]);
  });

  it('rejects what no store takes', async () => {
    const { rejections } = await converter((object) => {
      const mapped = asItIs(object);
      if ('document' in mapped) mapped.document.text = 'x'.repeat(16 * 1024 * 1024);
      return mapped;
    }).convert(source(spanChangeset(['a'])), receivedAt);
    assert.deepEqual(
      rejections.map(({ reason, place }) => ({ reason, place })),
      [{ reason: 'too-large', place: 0 }],
    );
  });

  it('sets an object aside and logs an error if the fault is ours', async () => {
    const { documents, rejections } = await converter((object) => {
      if (object.place === 0) throw new RangeError('of our own making');
      return asItIs(object);
    }).convert(source(spanChangeset(['a', 'b'])), receivedAt);
    assert.equal(documents.length, 1);
    assert.equal(rejections[0]!.reason, 'unstorable-value');
    assert.match(rejections[0]!.detail, /of our own making/);
    assert.equal(logger.at('error').length, 1);
  });

  describe('in parts', () => {
    async function partsOf(
      bytes: Uint8Array,
      partWeight: number,
      toDocument?: (object: RealmObject) => MappedObject,
    ): Promise<ConvertedPart[]> {
      const parts: ConvertedPart[] = [];
      for await (const part of converter(toDocument).convertInParts(source(bytes), receivedAt, partWeight)) {
        parts.push(part);
      }
      return parts;
    }
    const names = Array.from({ length: 300 }, (_, n) => `span ${n}`);

    it('gives the same as in one piece, in the same order, each part with the whole changeset', async () => {
      const bytes = spanChangeset(names);
      const toDocument = (object: RealmObject): MappedObject =>
        object.place % 7 === 3 ? { reason: 'class-not-admitted', detail: 'no' } : asItIs(object);
      const whole = await converter(toDocument).convert(source(bytes), receivedAt);
      for (const partWeight of [1, 2000, 10_000]) {
        const parts = await partsOf(bytes, partWeight, toDocument);
        assert.ok(parts.length > 3, `${parts.length} parts`);
        assert.ok(parts.every((part) => part.bytes === bytes && part.clientVersion === 11n));
        assert.deepEqual(
          parts.flatMap(({ documents }) => documents),
          whole.documents,
        );
        assert.deepEqual(
          parts.flatMap(({ rejections }) => rejections),
          whole.rejections,
        );
      }
    });

    it('holds no more objects at once than a part has, and a few', async () => {
      // Converted documents that are not consumed yet, at any time.
      let converted = 0;
      const parts = converter((object) => {
        converted += 1;
        return asItIs(object);
      }).convertInParts(source(spanChangeset(names)), receivedAt, 1000);
      let taken = 0;
      for await (const { documents } of parts) {
        taken += documents.length;
        assert.ok(converted - taken < 10, `${converted - taken} waiting`);
      }
      assert.equal(taken, 300);
    });

    it('counts the size of the documents, because a changeset writes a repeated text once', async () => {
      const bytes = spanChangeset(names);
      assert.ok(bytes.length < 30_000);
      const parts = await partsOf(bytes, 100_000, (object) => {
        const mapped = asItIs(object);
        if ('document' in mapped) mapped.document.text = 'x'.repeat(10_000);
        return mapped;
      });
      assert.ok(parts.length >= 30, `${parts.length} parts`);
    });

    it('rejects as a whole what turns out to be no changeset, or to erase something, only at its end', async () => {
      const erase = Buffer.from('03000a65aa00112233445566778899', 'hex');
      for (const bytes of [
        spanChangeset(names).subarray(0, -3),
        Buffer.concat([spanChangeset(names), erase]),
      ]) {
        const parts = await partsOf(bytes, 1000);
        assert.deepEqual(
          parts.map(({ documents, rejections }) => [documents.length, rejections.map(({ place }) => place)]),
          [[0, [undefined]]],
        );
      }
    });

    it('takes objects that are gone back to later, however late', async () => {
      const created = names.map((name, n) => ({
        name,
        key: new Uint8Array(12).fill(n & 0xff, 0, 1).fill(n >> 8, 1),
      }));
      const of = (key: Uint8Array) => ({ table: 'Span', object: { type: 'objectId', value: key } as const });
      const bytes = encodeChangeset([
        ...created.map(({ key }) => ({ type: 'CreateObject', ...of(key) }) as const),
        ...created.map(
          ({ name, key }) =>
            ({
              type: 'Update',
              ...of(key),
              ...{ field: 'name', path: [], priorSize: undefined, isDefault: false },
              value: { type: 'string', value: name },
            }) as const,
        ),
      ]);
      const parts = await partsOf(bytes, 1000);
      assert.ok(parts.length > 3);
      assert.deepEqual(
        parts.flatMap(({ documents }) => documents).map(({ document }) => document.name),
        names,
      );
    });
  });

  it('lets others have their turn while it reads a changeset of a single object', async () => {
    const tags: RealmValue = { type: 'list', values: Array<RealmValue>(100_000).fill({ type: 'null' }) };
    const bytes = spanChangeset(['large'], { more: { tags } });
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    try {
      await converter().convert(source(bytes), receivedAt);
    } finally {
      clearInterval(timer);
    }
    assert.ok(turns >= 2, `${turns} turns`);
  });

  it('lets others have their turn while it works', async () => {
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    const busy = (object: RealmObject): MappedObject => {
      const end = performance.now() + 6;
      while (performance.now() < end);
      return asItIs(object);
    };
    const names = Array.from({ length: 20 }, (_, n) => `span ${n}`);
    await converter(busy).convert(source(spanChangeset(names)), receivedAt);
    clearInterval(timer);
    assert.ok(turns >= 5, `${turns} turns`);
  });
});

function asItIs({ className, primaryKey, properties }: RealmObject): MappedObject {
  assert.ok(primaryKey.type === 'objectId');
  const document = Object.create(null) as Document;
  document._id = new ObjectId(primaryKey.value);
  const name = properties.get('name');
  assert.ok(name?.type === 'string');
  document.name = name.value;
  return { collection: className, document };
}
