import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Database } from '../../src/store/sqlite/database.js';
import { largeChangeset } from '../support/large-changeset.js';
import { spanChangeset } from '../../../test/support/server/span-changeset.js';
import { logIn, SyncClient } from '../../../test/support/server/sync-client.js';
import { CommandProcess, runHere, type CommandResult } from '../support/run-command.js';

const appId = 'my-app';

describe('realm-ingest serve', () => {
  let directory: string;
  let storeUrl: string;
  const processes: CommandProcess[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'realm-ingest-serve-'));
    storeUrl = `sqlite:${join(directory, 'store.db')}`;
  });

  afterEach(async () => {
    for (const { child } of processes.splice(0)) child.kill('SIGKILL');
    await rm(directory, { recursive: true });
  });

  async function serve(
    args: string[] = [],
    env: Record<string, string> = {},
  ): Promise<{ url: string; line: string; command: CommandProcess }> {
    const command = new CommandProcess(
      ['serve', '--app-id', appId, '--port', '0', '--store', storeUrl, ...args],
      env,
    );
    processes.push(command);
    const line = await command.firstLine();
    return { line, url: /http:\S+/.exec(line)![0], command };
  }

  function stop(command: CommandProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<CommandResult> {
    command.child.kill(signal);
    return command.exited;
  }

  const levels = (stderr: string): Record<string, string> =>
    Object.fromEntries(
      stderr
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { level: string; msg: string })
        .map(({ level, msg }) => [msg.split(/[:;,]/, 1)[0]!, level]),
    );

  it('prints its URL, accepts uploads, and ends with 0 within seconds of SIGTERM', async () => {
    const { url, line, command } = await serve(['--allow-anonymous', '--log-level', 'debug']);
    assert.match(
      line,
      /^realm-ingest is listening on http:\/\/127\.0\.0\.1:\d+ \(app my-app, store sqlite:\/.*store\.db\)$/,
    );
    const user = await logIn(url, appId);
    const client = await SyncClient.open(url, appId, user.access_token);
    client.upload(11, spanChangeset(['hunter2']));
    while (client.acknowledged < 11) await client.receive('download');

    const begun = performance.now();
    const [{ code, stdout, stderr }, goodbye] = await Promise.all([
      stop(command),
      client.receive('json_error'),
    ]);
    assert.equal(code, 0, stderr);
    assert.ok(performance.now() - begun < 20_000);
    assert.match(goodbye, /"tryAgain":true.*"backoffIntervalSec":\d/, 'come back soon');
    assert.equal(stdout, `${line}\n`);

    const logged = levels(stderr);
    assert.equal(logged['a server secret was made'], 'warn');
    assert.equal(logged.listening, 'info');
    assert.equal(logged.request, 'debug');
    assert.equal(logged.closed, 'info');
    for (const secret of [user.access_token, user.refresh_token, 'baas_at', 'hunter2']) {
      assert.ok(!stderr.includes(secret), secret);
    }

    const { stdout: documents } = await runHere('export', '--store', storeUrl, '--collection', 'Span');
    assert.match(documents, /"name":"hunter2"/);
  });

  it('logs no errors for uploads that it gives up on SIGTERM, and their client sends them again', async () => {
    const first = await serve(['--allow-anonymous']);
    const { access_token } = await logIn(first.url, appId);
    const client = await SyncClient.open(first.url, appId, access_token);
    // A writer beside the server, such as a backup or a shell. Commits wait for it.
    const other = new Database(join(directory, 'store.db'), 5000);
    other.execute('BEGIN IMMEDIATE');
    const { changeset, spans } = largeChangeset(4_000_000, Buffer.alloc(8, 7));
    client.upload(11, changeset);
    client.send('mark 1 3\n');
    await client.receive('mark'); // Answered after the upload has arrived.
    const stopped = stop(first.command);
    await first.command.logged('are given up');
    other.execute('ROLLBACK');
    const { code, stderr } = await stopped;

    assert.equal(code, 0, stderr);
    const logged = levels(stderr);
    delete logged['a server secret was made'];
    assert.deepEqual([...new Set(Object.values(logged))], ['info'], stderr);
    assert.match((await client.next()) ?? '', /^json_error .*\n\{"tryAgain":true/);
    assert.equal(await client.next(), undefined);
    assert.equal(client.acknowledged, 0);

    const second = await serve(['--allow-anonymous']);
    const again = await SyncClient.open(second.url, appId, access_token, { file: client.file });
    again.upload(11, changeset);
    await again.acknowledgement(11);
    again.terminate();
    assert.equal((await stop(second.command)).code, 0);
    assert.deepEqual(other.all('SELECT count(*) AS n FROM documents'), [{ n: BigInt(spans) }]);
    other.close();
  });

  it('ends at once on a second signal, even if a client is slow', async () => {
    const { url, command } = await serve(['--allow-anonymous']);
    const client = await SyncClient.open(url, appId, (await logIn(url, appId)).access_token);
    client.stopReading();
    command.child.kill('SIGTERM');
    await command.logged('stopping');
    const { code } = await stop(command);
    assert.equal(code, 143);
  });

  it('continues after a restart: its secret is in the store, and `secret` prints it', async () => {
    const first = await serve(['--allow-anonymous']);
    const user = await logIn(first.url, appId);
    assert.equal((await stop(first.command, 'SIGINT')).code, 0);

    const printed = await runHere('secret', '--store', storeUrl);
    assert.match(printed.stdout, /^[0-9a-f]{64}\n$/);
    const secretFile = join(directory, 'secret');
    await writeFile(secretFile, printed.stdout, { mode: 0o600 });

    // In another store, as after the loss of a store.
    storeUrl = `sqlite:${join(directory, 'other.db')}`;
    const second = await serve(['--secret-file', secretFile]);
    const refresh = await fetch(`${second.url}/api/client/v2.0/auth/session`, {
      method: 'POST',
      headers: { authorization: `Bearer ${user.refresh_token}` },
    });
    assert.equal(refresh.status, 200);
    assert.equal((await stop(second.command)).code, 0);
  });

  it('takes its secret from the environment if no file is given', async () => {
    process.env.REALM_INGEST_SECRET = 'short';
    try {
      const { code, stderr } = await runHere('serve', '--app-id', appId, '--port', '0', '--store', storeUrl);
      assert.deepEqual(
        { code, stderr },
        {
          code: 1,
          stderr:
            'realm-ingest: the server secret cannot be used: the secret from --secret-file or REALM_INGEST_SECRET has ' +
            '5 bytes; it needs at least 32. To create one: openssl rand -hex 32\n',
        },
      );
    } finally {
      delete process.env.REALM_INGEST_SECRET;
    }
  });

  it('logs in devices by keys that are created while it runs, until they are revoked', async () => {
    const { url } = await serve();
    const created = await runHere('keys', 'create', '--user', 'kiosk', '--store', storeUrl);
    const credentials = { provider: 'api-key', key: created.stdout.trim() };
    assert.match((await logIn(url, appId, credentials)).user_id, /^[0-9a-f]{32}$/);
    const id = /^key (\w+)/.exec(created.stderr)![1]!;
    assert.equal((await runHere('keys', 'revoke', id, '--store', storeUrl)).code, 0);
    await assert.rejects(logIn(url, appId, credentials), /invalid API key/);
  });

  it('fails if another process serves the store', async () => {
    await serve();
    const second = await runHere('serve', '--app-id', appId, '--port', '0', '--store', storeUrl);
    assert.equal(second.code, 1);
    assert.match(second.stderr, /^realm-ingest: the store is in use: /);
  });

  it('fails if the address is in use', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    try {
      const port = String((taken.address() as AddressInfo).port);
      const args = ['--app-id', appId, '--port', port, '--store', storeUrl, '--log-level', 'silent'];
      const { code, stderr } = await runHere('serve', ...args);
      assert.equal(code, 1);
      assert.match(
        stderr,
        /^realm-ingest: cannot listen: 127\.0\.0\.1, port \d+: the address is in use already/,
      );
    } finally {
      taken.close();
    }
  });
});
