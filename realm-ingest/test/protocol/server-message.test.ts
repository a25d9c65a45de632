import assert from 'node:assert/strict';

import {
  protocolVersions,
  type DownloadMessage,
  type ServerErrorMessage,
  type ServerMessage,
} from '../../src/protocol/messages.js';
import { encodeServerMessage } from '../../src/protocol/server-message.js';
import { connectionErrors, sessionErrors, type ErrorWireCode } from '../../src/protocol/wire-codes.js';
import { receive } from '../support/client-message.js';

const connectionCodes: readonly number[] = Object.values(connectionErrors);
const sessionCodes: readonly number[] = Object.values(sessionErrors);

const transient: ServerErrorMessage = {
  type: 'json_error',
  sessionIdent: 1,
  code: 201,
  message: 'busy',
  tryAgain: true,
  action: 'Transient',
  backoff: { intervalSeconds: 5, maxDelaySeconds: 60, multiplier: 2 },
};

const acknowledgement: DownloadMessage = {
  type: 'download',
  sessionIdent: 1,
  purpose: 'steady-state',
  downloadServerVersion: 3n,
  downloadClientVersion: 11n,
  latestServerVersion: 3n,
  latestServerVersionSalt: 999n,
  uploadClientVersion: 11n,
  uploadServerVersion: 1n,
  queryVersion: 0n,
};

function refuses(message: ServerMessage, version: (typeof protocolVersions)[number] = 14): void {
  assert.throws(() => encodeServerMessage(message, version), RangeError);
}

describe('encodeServerMessage', () => {
  describe('json_error', () => {
    it('has every key that clients require, and all back-off keys or none', () => {
      const { type, fields, json } = receive(encodeServerMessage(transient, 7));
      assert.deepEqual([type, fields[0], fields[2]], ['json_error', '201', '1']);
      assert.deepEqual(json, {
        tryAgain: true,
        message: 'busy',
        logURL: '',
        shouldClientReset: false,
        isRecoveryModeDisabled: false,
        action: 'Transient',
        backoffIntervalSec: 5,
        backoffMaxDelaySec: 60,
        backoffMultiplier: 2,
      });
      const fatal = receive(
        encodeServerMessage(
          {
            type: 'json_error',
            sessionIdent: 1,
            code: 223,
            message: 'no',
            tryAgain: false,
            action: 'ApplicationBug',
          },
          14,
        ),
      );
      assert.deepEqual(Object.keys(fatal.json!), [
        'tryAgain',
        'message',
        'logURL',
        'shouldClientReset',
        'isRecoveryModeDisabled',
        'action',
      ]);
    });

    it('counts the bytes of its text, not the characters', () => {
      for (const message of ['é😀\n"', '\ud800', '\0']) {
        const { json } = receive(encodeServerMessage({ ...transient, message }, 14));
        assert.equal(json!.message, message);
      }
    });

    it('is sent only with codes that crash no client', () => {
      const aborting = [104, 202, 203, 205, 207, 214, 215, 218, 219, 220, 221, 224];
      const resetting = [208, 209, 210, 211, 217, 222, 228];
      for (let number = -1; number <= 1000; number++) {
        const code = number as ErrorWireCode;
        if (sessionCodes.includes(number)) {
          assert.ok(encodeServerMessage({ ...transient, code }, 7));
          refuses({ ...transient, code, sessionIdent: 0 });
        } else if (connectionCodes.includes(number)) {
          assert.ok(encodeServerMessage({ ...transient, code, sessionIdent: 0 }, 7));
          refuses({ ...transient, code });
        } else {
          refuses({ ...transient, code });
          refuses({ ...transient, code, sessionIdent: 0 });
        }
      }
      for (const code of [...aborting, ...resetting]) {
        assert.ok(!sessionCodes.includes(code) && !connectionCodes.includes(code), String(code));
      }
    });

    it('combines tryAgain with Transient only, and a back-off with tryAgain only', () => {
      refuses({ ...transient, action: 'ApplicationBug' });
      refuses({ ...transient, tryAgain: false });
      refuses({ ...transient, tryAgain: false, action: 'ApplicationBug' });
    });

    it('has a back-off of whole numbers', () => {
      const backoff = { intervalSeconds: 5, maxDelaySeconds: 60, multiplier: 2 };
      for (const wrong of [-1, 0.5, NaN, Infinity, 2 ** 31]) {
        refuses({ ...transient, backoff: { ...backoff, intervalSeconds: wrong } });
        refuses({ ...transient, backoff: { ...backoff, maxDelaySeconds: wrong } });
        refuses({ ...transient, backoff: { ...backoff, multiplier: wrong } });
      }
      refuses({ ...transient, backoff: { ...backoff, multiplier: 0 } });
    });
  });

  describe('DOWNLOAD', () => {
    it('that acknowledges has no changeset, and the batch and progress of its version', () => {
      for (const version of protocolVersions) {
        const { fields, body } = receive(encodeServerMessage(acknowledgement, version));
        assert.equal(body, '');
        assert.equal(fields[8], version >= 14 ? '2' : '1');
        assert.equal(fields[9], version >= 12 ? '1' : '0');
      }
    });

    it('that bootstraps has one empty changeset within the versions of its header', () => {
      for (const version of protocolVersions) {
        const { fields, body } = receive(
          encodeServerMessage({ ...acknowledgement, purpose: 'bootstrap' }, version),
        );
        assert.equal(body, '3 11 0 1 0 0 ');
        assert.equal(fields[8], '1');
        assert.equal(fields[11], '13');
      }
    });

    const wrong: Record<string, Partial<DownloadMessage>> = {
      'no session': { sessionIdent: 0 },
      'a server version above the latest': { downloadServerVersion: 4n },
      'a client version above the uploaded one': { downloadClientVersion: 12n },
      'an uploaded server version above the downloaded one': { uploadServerVersion: 4n },
      'a negative query version': { queryVersion: -1n },
      'a negative version': { downloadClientVersion: -1n },
      'a version beyond 63 bits': { latestServerVersion: 2n ** 63n },
      'a bootstrap at server version 0': {
        purpose: 'bootstrap',
        downloadServerVersion: 0n,
        uploadServerVersion: 0n,
      },
    };
    for (const [name, fields] of Object.entries(wrong)) {
      it(`is refused with ${name}`, () => {
        refuses({ ...acknowledgement, ...fields });
      });
    }
  });

  describe('IDENT', () => {
    const ident = { type: 'ident', sessionIdent: 1, clientFileIdent: 1n, clientFileIdentSalt: 1n } as const;

    it('accepts idents and salts up to their limits', () => {
      const { fields } = receive(
        encodeServerMessage(
          { ...ident, clientFileIdent: 2n ** 63n - 1n, clientFileIdentSalt: 1n - 2n ** 63n },
          9,
        ),
      );
      assert.deepEqual(fields, ['1', '9223372036854775807', '-9223372036854775807']);
    });

    it('refuses idents and salts beyond them', () => {
      refuses({ ...ident, clientFileIdent: 0n });
      refuses({ ...ident, clientFileIdent: 2n ** 63n });
      refuses({ ...ident, clientFileIdentSalt: 0n });
      refuses({ ...ident, clientFileIdentSalt: -(2n ** 63n) });
      refuses({ ...ident, clientFileIdentSalt: 2n ** 63n });
      refuses({ ...ident, sessionIdent: 0 });
    });
  });

  it('sends no MARK or UNBOUND to the connection', () => {
    refuses({ type: 'mark', sessionIdent: 0, requestIdent: 1n });
    refuses({ type: 'unbound', sessionIdent: 0 });
  });
});
