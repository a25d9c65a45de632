import assert from 'node:assert/strict';

import fc from 'fast-check';

import { parseClientMessage } from '../../src/protocol/client-message.js';
import type { ClientMessage } from '../../src/protocol/messages.js';
import { ProtocolError } from '../../src/protocol/protocol-error.js';
import { readUploadBody } from '../../src/protocol/upload-body.js';
import {
  bind,
  bytesOf,
  clientError,
  ident,
  mark,
  ping,
  query,
  unbind,
  upload,
} from '../support/client-message.js';

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const limits = { maxMessageBytes: 1024 * 1024 };
const maxInt64 = 2n ** 63n - 1n;

const messages: Record<string, Uint8Array> = {
  bind: bind({
    session: 12,
    json: { schemaVersion: 0, sessionReason: 0, previousSchemaVersion: 1, novel: [{}] },
  }),
  ident: ident({ fileIdent: maxInt64, salt: -maxInt64, scanServerVersion: maxInt64, query: { Dog: 'é' } }),
  query: query({ queryVersion: 1n }),
  upload: upload({ changesets: [{ clientVersion: 10n, bytes: new Uint8Array(20) }, { clientVersion: 11n }] }),
  'compressed upload': upload({ changesets: [{ clientVersion: 10n, bytes: new Uint8Array(5000) }] }),
  mark: mark(maxInt64),
  unbind: unbind(2 ** 53 - 1),
  ping: ping(-1n, maxInt64),
  json_error: clientError(112, 'bad "changeset"'),
};

/** The message with its body parsed; undefined if it is refused. Any error but a ProtocolError fails the test. */
async function parse(bytes: Uint8Array): Promise<ClientMessage | undefined> {
  try {
    const message = parseClientMessage(bytes, 14, limits);
    if (message.type === 'upload') await readUploadBody(message);
    return message;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const { wireCode, offset = 0 } = error;
    assert.ok([102, 103, 110, 111, 112, 201].includes(wireCode), String(wireCode));
    assert.equal(error.sessionIdent === undefined, wireCode !== 201);
    assert.ok(offset >= 0 && offset <= Math.max(bytes.length, limits.maxMessageBytes));
    return undefined;
  }
}

describe('parseClientMessage', () => {
  for (const [name, bytes] of Object.entries(messages)) {
    it(`reads ${name}, and refuses it cut anywhere or with an extra byte`, async () => {
      assert.equal((await parse(bytes))?.type, name.split(' ').at(-1));
      for (let length = 0; length < bytes.length; length++) {
        assert.equal(await parse(bytes.subarray(0, length)), undefined, `${length} bytes`);
      }
      assert.equal(await parse(bytesOf(bytes, 'x')), undefined);
    });
  }

  it('keeps unknown keys of BIND, and those that JavaScript objects treat in a special way', () => {
    const options = '{"__proto__":{"polluted":1},"novel":true}';
    const message = parseClientMessage(bytesOf(`bind 1 ${options.length} 0 1 0\n${options}`), 14, limits);
    assert.ok(message.type === 'bind');
    assert.deepEqual(Object.keys(message.options!), ['__proto__', 'novel']);
    assert.ok(!('polluted' in {}));
  });

  it('omits the token of BIND', () => {
    const message = parseClientMessage(bytesOf('bind 1 2 5 0 0\n{}token'), 14, limits);
    assert.deepEqual(message, { type: 'bind', sessionIdent: 1, options: {}, needClientFileIdent: false });
  });

  it('reads a json_error without a message', () => {
    const message = parseClientMessage(bytesOf('json_error 112 2 1\n{}'), 9, limits);
    assert.deepEqual(message, { type: 'json_error', sessionIdent: 1, code: 112, message: '' });
  });

  it('shortens the text of a client’s error', () => {
    const message = parseClientMessage(clientError(112, 'x'.repeat(100_000)), 9, limits);
    assert.ok(message.type === 'json_error');
    assert.equal(message.message.length, 1000);
  });

  it('returns the body of an upload as a view, unread', () => {
    const bytes = upload({ body: bytesOf('no changeset at all'), compress: false });
    const message = parseClientMessage(bytes, 14, limits);
    assert.ok(message.type === 'upload');
    assert.equal(message.body.buffer, bytes.buffer);
    assert.equal(Buffer.from(message.body).toString(), 'no changeset at all');
  });

  it('limits the size and depth of every message’s JSON', async () => {
    const nested = (depth: number): object => (depth === 0 ? {} : { a: nested(depth - 1) });
    assert.ok(await parse(bind({ json: nested(15) })));
    assert.equal(await parse(bind({ json: nested(16) })), undefined);
    assert.ok(await parse(bind({ json: { text: '\\"' + '[{'.repeat(100) } })));
    assert.ok(await parse(query({ queryVersion: 1, query: { Dog: 'x'.repeat(1_000_000) } })));
    assert.equal(await parse(query({ queryVersion: 1, query: { Dog: 'x'.repeat(1_100_000) } })), undefined);
    const quotes = '"\\'.repeat(500_000);
    assert.equal(await parse(bytesOf(`query 1 1 ${quotes.length}\n${quotes}`)), undefined);
    const brackets = '['.repeat(1_000_000);
    assert.equal(await parse(bytesOf(`query 1 1 ${brackets.length}\n${brackets}`)), undefined);
  });

  it(`throws only ProtocolErrors, whatever was changed (seed ${seed})`, async () => {
    const change = fc.record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }) });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.values(messages)),
        fc.array(change, { minLength: 1, maxLength: 4 }),
        async (original, changes) => {
          const bytes = original.slice();
          for (const { at, to } of changes) bytes[at % Math.min(bytes.length, 64)] = to;
          await parse(bytes);
        },
      ),
      { seed, numRuns: 1000 },
    );
  });

  it(`throws only ProtocolErrors for random bytes (seed ${seed})`, async () => {
    const types = fc.constantFrom(
      ...Object.keys(messages).map((name) => `${name.replace('compressed ', '')} `),
      '',
    );
    await fc.assert(
      fc.asyncProperty(types, fc.uint8Array({ maxLength: 100 }), async (type, bytes) => {
        await parse(bytesOf(type, bytes));
      }),
      { seed, numRuns: 1000 },
    );
  });

  it(`checks every size (seed ${seed})`, async () => {
    const lie = fc.oneof(fc.bigInt({ min: -5n, max: 70n }), fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }));
    await fc.assert(
      fc.asyncProperty(lie, lie, fc.boolean(), async (uncompressedSize, compressedSize, compress) => {
        const changesets = [{ clientVersion: 1n, bytes: new Uint8Array(20) }];
        await parse(upload({ changesets, compress, uncompressedSize, compressedSize }));
        await parse(upload({ changesets: [{ clientVersion: 1n, size: uncompressedSize }] }));
        await parse(bytesOf(`bind 1 ${uncompressedSize} ${compressedSize} 1 0\n{}`));
        await parse(bytesOf(`query 1 1 ${uncompressedSize}\n{}`));
        await parse(bytesOf(`json_error 1 ${uncompressedSize} 1\n{}`));
      }),
      { seed, numRuns: 300 },
    );
  });
});
