import assert from 'node:assert/strict';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';

import { parseClientMessage } from '../../src/protocol/client-message.js';
import { ProtocolError } from '../../src/protocol/protocol-error.js';
import { maxChangesetsPerUpload, readUploadBody } from '../../src/protocol/upload-body.js';
import { upload, uploadBody } from '../support/client-message.js';

const limits = { maxMessageBytes: 16 * 1024 * 1024 };
const kilobytes = (count: number): Uint8Array => new Uint8Array(count * 1024).fill(0x61);

function open(options: Parameters<typeof upload>[0]): ReturnType<typeof readUploadBody> {
  const message = parseClientMessage(upload(options), 14, limits);
  assert.ok(message.type === 'upload');
  return readUploadBody(message);
}

function read(body: Uint8Array, uncompressedBytes: number): ReturnType<typeof readUploadBody> {
  return readUploadBody({ body, isCompressed: true, uncompressedBytes });
}

const refused = (wireCode: number) => (error: unknown) =>
  error instanceof ProtocolError && error.wireCode === wireCode;

describe('readUploadBody', () => {
  const changesets = [
    { clientVersion: 3n, bytes: kilobytes(1) },
    { clientVersion: 5n, bytes: new Uint8Array() },
    { clientVersion: 8n, serverVersion: 7n, originTimestamp: 0n, originFileIdent: 2n, bytes: kilobytes(2) },
  ];

  for (const compress of [false, true]) {
    it(`returns the changesets in wire order, ${compress ? '' : 'not '}compressed`, async () => {
      const opened = await open({ changesets, compress });
      assert.deepEqual(
        opened.map(({ clientVersion, bytes }) => [clientVersion, bytes.length]),
        [
          [3n, 1024],
          [5n, 0],
          [8n, 2048],
        ],
      );
      const { serverVersion, originTimestamp, originFileIdent } = opened[2]!;
      assert.deepEqual([serverVersion, originTimestamp, originFileIdent], [7n, 0n, 2n]);
    });
  }

  it('returns none for a progress report', async () => {
    assert.deepEqual(await open({}), []);
    assert.deepEqual(await open({ compress: true }), []);
  });

  it('keeps versions unchanged, rising or not', async () => {
    const versions = await open({
      changesets: [{ clientVersion: 5n }, { clientVersion: 5n }, { clientVersion: 0n }],
    });
    assert.deepEqual(
      versions.map(({ clientVersion }) => clientVersion),
      [5n, 5n, 0n],
    );
  });

  it('inflates large bodies while the event loop goes on', async () => {
    let turns = 0;
    let done = false;
    const turn = (): void => {
      turns++;
      if (!done) setImmediate(turn);
    };
    setImmediate(turn);
    const [changeset] = await open({ changesets: [{ clientVersion: 1n, bytes: kilobytes(8 * 1024) }] });
    done = true;
    assert.equal(changeset!.bytes.length, 8 * 1024 * 1024);
    assert.ok(turns > 1, `${turns} turns`);
  });

  it('refuses a size above the limit in the header, before it inflates anything', () => {
    const message = upload({
      session: 3,
      compress: true,
      body: kilobytes(1),
      uncompressedSize: 16 * 1024 * 1024 + 1,
    });
    assert.throws(
      () => parseClientMessage(message, 14, limits),
      (error) =>
        error instanceof ProtocolError &&
        error.code === 'message-too-large' &&
        error.wireCode === 201 &&
        error.sessionIdent === 3 &&
        error.message.includes('--max-message-bytes'),
    );
  });

  it('accepts a body of exactly the limit', async () => {
    const bytes = kilobytes(16);
    const body = uploadBody([{ clientVersion: 1n, bytes }]);
    const message = parseClientMessage(upload({ body, compress: true }), 14, {
      maxMessageBytes: body.length,
    });
    assert.ok(message.type === 'upload');
    assert.equal((await readUploadBody(message))[0]!.bytes.length, bytes.length);
  });

  const bomb = deflateSync(kilobytes(64 * 1024));

  for (const announced of [0, 1, 1000, 100_000]) {
    it(`stops a bomb of 64 MiB at the ${announced} bytes that it announced`, async () => {
      await assert.rejects(
        read(bomb, announced),
        (error) =>
          error instanceof ProtocolError &&
          error.wireCode === 110 &&
          (error.cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE',
      );
    });
  }

  for (const announced of [1025, 100 * 1024, 8 * 1024 * 1024]) {
    it(`refuses 1024 bytes if ${announced} are announced`, async () => {
      await assert.rejects(read(deflateSync(kilobytes(1)), announced), refused(110));
    });
  }

  for (const size of [1, 100]) {
    const plain = kilobytes(size);
    const deflated = deflateSync(plain);

    it(`refuses ${size} KiB of raw deflate, gzip, and with bytes after the stream`, async () => {
      await assert.rejects(read(deflateRawSync(plain), plain.length), refused(110));
      await assert.rejects(read(gzipSync(plain), plain.length), refused(110));
      await assert.rejects(read(Buffer.concat([deflated, Buffer.from('x')]), plain.length), refused(110));
      await assert.rejects(read(Buffer.concat([deflated, deflated]), plain.length), refused(110));
      await assert.rejects(read(new Uint8Array(), plain.length), refused(110));
      await assert.rejects(
        read(deflateSync(plain, { dictionary: Buffer.from('aaaa') }), plain.length),
        refused(110),
      );
    });

    it(`refuses ${size} KiB cut anywhere, and with a wrong checksum`, async () => {
      for (let length = 0; length < deflated.length; length++) {
        await assert.rejects(read(deflated.subarray(0, length), plain.length), refused(110));
      }
      const wrong = Buffer.from(deflated);
      wrong[wrong.length - 1]! ^= 1;
      await assert.rejects(read(wrong, plain.length), refused(110));
    });
  }

  it('refuses a changeset that is longer than the body, or negative', async () => {
    for (const size of [1n, 2n ** 31n, 2n ** 53n - 1n]) {
      await assert.rejects(open({ changesets: [{ clientVersion: 1n, size }] }), refused(112));
    }
    for (const size of [2n ** 53n, 2n ** 63n, -1n]) {
      await assert.rejects(open({ changesets: [{ clientVersion: 1n, size }] }), refused(111));
    }
  });

  it('accepts as many changesets as a client can send at once, and refuses a body of headers only', async () => {
    const empty = (count: number) => Buffer.from('1 0 0 0 0 '.repeat(count));
    const read = async (body: Buffer) =>
      await readUploadBody({ body, isCompressed: false, uncompressedBytes: body.length });
    assert.equal((await read(empty(maxChangesetsPerUpload))).length, maxChangesetsPerUpload);
    await assert.rejects(read(empty(maxChangesetsPerUpload + 1)), refused(111));
  });
});
