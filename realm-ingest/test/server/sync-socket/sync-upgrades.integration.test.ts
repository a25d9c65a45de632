import assert from 'node:assert/strict';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { createApiKey } from '../../../src/auth/api-key.js';
import { Authenticator } from '../../../src/auth/authenticator.js';
import { SyncUpgrades } from '../../../src/server/sync-socket/sync-upgrades.js';
import { MemoryApiKeys, MemoryRevocations } from '../../support/memory-credentials.js';
import { RecordingLogger } from '../../../../test/support/server/recording-logger.js';

/** A socket that records its writes. */
class MemorySocket extends Duplex {
  written = '';

  override _read(): void {
    // Nobody writes from the other side.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.written += chunk.toString();
    callback();
  }
}

describe('SyncUpgrades', () => {
  let apiKeys: MemoryApiKeys;
  let revocations: MemoryRevocations;
  let authenticator: Authenticator;
  let upgrades: SyncUpgrades;
  let accepted: string[];
  const logger = new RecordingLogger();

  beforeEach(() => {
    apiKeys = new MemoryApiKeys();
    revocations = new MemoryRevocations();
    accepted = [];
    authenticator = new Authenticator({
      appId: 'my-app',
      signingKey: new Uint8Array(32),
      apiKeys,
      revocations,
      allowAnonymous: true,
      accessTokenSeconds: 1800,
      logger,
    });
    upgrades = new SyncUpgrades({
      appId: 'my-app',
      authenticator,
      endpoint: { handleUpgrade: (_request, _socket, _head, { userId }) => accepted.push(userId) },
      logger,
    });
  });

  async function upgrade(token: string): Promise<MemorySocket> {
    const request = new IncomingMessage(new Socket());
    request.url = `/api/client/v2.0/app/my-app/realm-sync?baas_at=${token}`;
    const socket = new MemorySocket();
    await upgrades.handle(request, socket, Buffer.alloc(0));
    return socket;
  }

  it('hands a socket over with the user that its token names', async () => {
    const { access_token, user_id } = await authenticator.login('anon-user', {});
    const socket = await upgrade(access_token);
    assert.deepEqual(accepted, [user_id]);
    assert.equal(socket.written, '');
  });

  it('survives errors of a socket before and after it is handed over', async () => {
    const { access_token } = await authenticator.login('anon-user', {});
    (await upgrade(access_token)).emit('error', new Error('ECONNRESET'));
    (await upgrade('nonsense')).emit('error', new Error('ECONNRESET'));
  });

  it('ends the connections of revoked users, log-ins and keys, and no others', async () => {
    const { key, stored } = createApiKey('kiosk-7', new Date());
    await apiKeys.create(stored);
    const logins = {
      byKey: await authenticator.login('api-key', { key }),
      byLogOut: await authenticator.login('anon-user', {}),
      byRemoval: await authenticator.login('anon-user', {}),
      valid: await authenticator.login('anon-user', {}),
    };
    const sockets = new Map<string, MemorySocket>();
    for (const [how, { access_token }] of Object.entries(logins))
      sockets.set(how, await upgrade(access_token));
    const open = (): string[] => [...sockets].filter(([, socket]) => !socket.destroyed).map(([how]) => how);

    await upgrades.cutRevoked();
    assert.deepEqual(open(), ['byKey', 'byLogOut', 'byRemoval', 'valid']);

    await apiKeys.revoke(stored.id, new Date());
    await authenticator.logOut(logins.byLogOut.refresh_token);
    await authenticator.deleteUser(logins.byRemoval.access_token);
    await upgrades.cutRevoked();
    assert.deepEqual(open(), ['valid']);
  });

  it('stops looking up revoked users once it is closed', async () => {
    for (let n = 0; n < 3; n += 1) await upgrade((await authenticator.login('anon-user', {})).access_token);
    let asked = 0;
    revocations.has = () => {
      asked += 1;
      upgrades.close();
      return Promise.resolve(false);
    };
    await upgrades.cutRevoked();
    assert.equal(asked, 1);
  });

  it('admits nobody once it is closed: 503, so that clients come back', async () => {
    const { access_token } = await authenticator.login('anon-user', {});
    upgrades.close();
    const { written } = await upgrade(access_token);
    assert.match(written, /^HTTP\/1\.1 503 Service Unavailable\r\n/);
    assert.match(written, /\r\nContent-Type: application\/json\r\n/);
    assert.match(written, /\r\nConnection: close\r\n/);
    assert.deepEqual(accepted, []);
  });
});
