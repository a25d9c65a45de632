import assert from 'node:assert/strict';
import { ConnectionError, describeCause } from '../../src/connection-error.js';
import { isRefusal } from '../../src/sync/login-refusal.js';

const error = (code: number | undefined, message: string): Error =>
  Object.assign(new Error(message), { code });

describe('isRefusal', () => {
  for (const [what, cause, expected] of [
    ['an API key that is unknown', error(4334, 'invalid API key'), true],
    ['a wrong password', error(4349, 'invalid username/password'), true],
    ['a provider that is switched off', error(4316, 'anonymous login is not allowed'), true],
    ['an app that is unknown, on native', error(4355, 'cannot find app'), true],
    ['an app that is unknown, on WebAssembly', error(2000000, 'cannot find app'), true],
    ['a plain 401, on native', error(4309, 'http error code considered fatal: . Client Error: 401'), true],
    ['a plain 403, on WebAssembly', error(4309, 'Forbidden. Client Error: 403'), true],
    ['a session that ended during the login', error(4301, 'the token is invalid or has expired'), false],
    ['no network', error(4309, 'client error code value considered fatal. Unknown HTTP Error: 0'), false],
    ['no network, on native', error(-1, 'request to http://x failed, reason: fetch failed'), false],
    ['a plain 400: the request was cut off', error(4309, 'Bad Request. Client Error: 400'), false],
    ['a plain 503', error(4309, 'http error code considered fatal: . Server Error: 503'), false],
    ['a server that failed', error(4315, 'internal'), false],
    ['maintenance', error(4352, 'maintenance'), false],
    ['a proxy that answers HTML', error(4201, 'not JSON'), false],
    ['something that is no error', 'oops', false],
  ] as const) {
    it(`${expected ? 'is' : 'is not'} ${what}`, () => {
      assert.equal(isRefusal(cause), expected);
    });
  }
});

describe('describeCause', () => {
  it('reads errors, plain objects and strings alike, and blots tokens out', () => {
    assert.equal(describeCause(new Error('a')), 'a');
    assert.equal(describeCause({ isOk: false, code: 1, reason: 'b' }), 'b');
    assert.equal(describeCause('c'), 'c');
    assert.equal(describeCause(undefined), 'undefined');
    assert.equal(describeCause(new Error('ws://h/x?baas_at=ey.J.x failed')), 'ws://h/x?baas_at=… failed');
  });
});

describe('ConnectionError', () => {
  it("carries its code, Realm's number, and whether it is tried again", () => {
    const cause = error(4349, 'invalid username/password');
    const { code, realmCode, retryable, message } = new ConnectionError('login-refused', 'x', { cause });
    assert.deepEqual(
      { code, realmCode, retryable, message },
      { code: 'login-refused', realmCode: 4349, retryable: false, message: 'login refused: x' },
    );
  });
});
