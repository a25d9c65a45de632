import assert from 'node:assert/strict';

import { protocolVersions } from '../../src/protocol/messages.js';
import { chooseProtocol } from '../../src/protocol/subprotocol.js';

/** The offers of a client of a version: that version and all below, down to 2. */
function offersOf(highest: number, { separator = '#', joiner = ', ' } = {}): string {
  return Array.from(
    { length: highest - 1 },
    (_, below) => `com.mongodb.realm-query-sync${separator}${highest - below}`,
  ).join(joiner);
}

function refusalOf(offers: string): string | undefined {
  const choice = chooseProtocol(offers);
  return choice.chosen ? undefined : choice.reason;
}

describe('chooseProtocol', () => {
  for (const version of protocolVersions) {
    for (const separator of ['#', '/']) {
      for (const joiner of [', ', ',']) {
        it(`chooses ${version}, offered with "${separator}" and "${joiner}"`, () => {
          assert.deepEqual(chooseProtocol(offersOf(version, { separator, joiner })), {
            chosen: true,
            version,
            subprotocol: `com.mongodb.realm-query-sync${separator}${version}`,
          });
        });
      }
    }
  }

  it('chooses the highest offer at any position', () => {
    const choice = chooseProtocol('com.mongodb.realm-query-sync#2,com.mongodb.realm-query-sync#14,other');
    assert.deepEqual(choice, {
      chosen: true,
      version: 14,
      subprotocol: 'com.mongodb.realm-query-sync#14',
    });
  });

  it('never falls back to a lower offer than the highest', () => {
    assert.equal(refusalOf(offersOf(15)), 'client-too-new');
    assert.equal(refusalOf(offersOf(9999)), 'too-many-offers');
    assert.equal(
      refusalOf('com.mongodb.realm-query-sync#9999, com.mongodb.realm-query-sync#14'),
      'client-too-new',
    );
    assert.equal(refusalOf(offersOf(8)), 'client-too-old');
    assert.equal(refusalOf(offersOf(6)), 'client-too-old');
  });

  it('refuses with the words that older clients look for', () => {
    const tooNew = chooseProtocol(offersOf(15));
    assert.ok(!tooNew.chosen);
    assert.equal(tooNew.body, 'REALM_SYNC_PROTOCOL_MISMATCH:CLIENT_TOO_NEW');
    const tooOld = chooseProtocol(offersOf(6));
    assert.ok(!tooOld.chosen);
    assert.equal(tooOld.body, 'REALM_SYNC_PROTOCOL_MISMATCH:CLIENT_TOO_OLD');
  });

  it('refuses partition-based sync', () => {
    assert.equal(refusalOf('com.mongodb.realm-sync#14, com.mongodb.realm-sync#13'), 'partition-based');
    assert.equal(refusalOf('com.mongodb.realm-sync/7'), 'partition-based');
  });

  for (const offers of [
    '',
    ',',
    'chat',
    'com.mongodb.realm-query-sync',
    'com.mongodb.realm-query-sync#',
    'com.mongodb.realm-query-sync#014',
    'com.mongodb.realm-query-sync#+14',
    'com.mongodb.realm-query-sync#14.0',
    'com.mongodb.realm-query-sync##14',
    'com.mongodb.realm-query-sync 14',
    'xcom.mongodb.realm-query-sync#14',
    'com.mongodb.realm-query-sync#14\r\nX: y',
    'com_mongodb.realm-query-sync#14',
    'COM.MONGODB.REALM-QUERY-SYNC#14',
  ]) {
    it(`finds no offer in ${JSON.stringify(offers)}`, () => {
      assert.equal(refusalOf(offers), 'no-offer');
    });
  }
});
