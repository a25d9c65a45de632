import assert from 'node:assert/strict';

import { parseClientMessage } from '../../src/protocol/client-message.js';
import type { ProtocolVersion, ServerMessage } from '../../src/protocol/messages.js';
import { ProtocolError } from '../../src/protocol/protocol-error.js';
import { encodeServerMessage } from '../../src/protocol/server-message.js';
import { readUploadBody } from '../../src/protocol/upload-body.js';
import { bytesOfHex, fromNotation, loadVectors, toNotation } from '../../../test/support/server/vectors.js';

const limits = { maxMessageBytes: 128 * 1024 * 1024 };

/** A client's message; of an UPLOAD, its changesets too. */
async function parse(hex: string, version: number): Promise<object> {
  const message = parseClientMessage(bytesOfHex(hex), version as ProtocolVersion, limits);
  return message.type === 'upload' ? { ...message, changesets: await readUploadBody(message) } : message;
}

describe('message vectors', () => {
  for (const { file, vectors } of loadVectors('client-messages')) {
    describe(file, () => {
      for (const { description, version = 14, hex, expected, error } of vectors) {
        if (error) {
          it(`refuses ${description}`, async () => {
            await assert.rejects(parse(hex, version), (thrown) => {
              assert.ok(thrown instanceof ProtocolError);
              const { code, wireCode, offset } = thrown;
              assert.deepEqual(toNotation({ code, wireCode, offset }), error);
              return true;
            });
          });
        } else {
          it(`reads ${description}`, async () => {
            assert.deepEqual(toNotation(await parse(hex, version)), expected);
          });
        }
      }
    });
  }

  for (const { file, vectors } of loadVectors('server-messages')) {
    describe(file, () => {
      for (const { description, version, hex, expected } of vectors) {
        it(`writes ${description}`, () => {
          const bytes = encodeServerMessage(
            fromNotation(expected) as ServerMessage,
            version as ProtocolVersion,
          );
          assert.equal(Buffer.from(bytes).toString(), Buffer.from(hex, 'hex').toString());
        });
      }
    });
  }
});
