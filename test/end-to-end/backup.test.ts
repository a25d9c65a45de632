import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import type Realm from '../support/engine/realm.mjs';
import { BSON, engineName } from '../support/engine/realm.mjs';
import { skip } from '../support/skip.js';
import { describeSqlite } from '../support/describe-stores.js';
import { openDevice } from '../support/device.js';
import { startIngestProcess } from '../support/ingest-process.js';
import { sectionOf } from '../support/pages.js';
import { useSite } from '../support/site.js';
import { closeReader, storedDeadLetters, storedDocuments } from '../support/stored.js';

const appId = 'backup';
const schema: Realm.ObjectSchema[] = [
  { name: 'Note', asymmetric: true, primaryKey: '_id', properties: { _id: 'objectId', n: 'int' } },
];

describeSqlite(`the backup of docs/operations.md, and a device (${engineName} engine)`, function (kind) {
  this.timeout(120_000);

  before(function () {
    if (spawnSync('sqlite3', ['--version']).error !== undefined) skip(this, 'no sqlite3');
  });

  const site = useSite(kind, (store) => startIngestProcess({ appId, store, options: ['--classes', 'Note'] }));

  it('brings back what was stored when it was taken, from a running server, after a killed one', async () => {
    const [backUp, restore] = documentedCommands();
    const device = await openDevice({ baseUrl: site.network.url, appId, schema });
    const write = async (n: number): Promise<void> => {
      device.write('Note', { _id: new BSON.ObjectId(), n });
      await device.uploaded();
    };
    await write(1);
    run(backUp);
    await write(2);
    await closeReader(site.store);
    await site.stop(); // SIGKILL: its log is left behind
    run(restore);
    await site.restart();
    await write(3);

    const notes = await storedDocuments(site.store, 'Note');
    assert.deepEqual(notes.map(({ n }) => n).sort(), [{ $numberLong: '1' }, { $numberLong: '3' }]);
    assert.deepEqual(await storedDeadLetters(site.store), []);
    assert.deepEqual(device.errors, []);
    assert.match(
      site.server.output(),
      /"level":"error".*this store does not hold records that were acknowledged to the client/,
    );
    const check = execFileSync('sqlite3', ['telemetry.db', 'PRAGMA integrity_check'], {
      cwd: site.scratch.path,
    });
    assert.equal(check.toString().trim(), 'ok');
  });

  function run(commands: string): void {
    execFileSync('sh', ['-ec', commands], { cwd: site.scratch.path, stdio: 'inherit' });
  }
});

/** The commands for SQLite in the section on backups, in their order. */
function documentedCommands(): [backUp: string, restore: string] {
  const section = sectionOf('docs/operations.md', 'Backup');
  const [backUp, restore] = [...section.matchAll(/^```sh\n(.*?)^```/gmsu)].map(([, commands]) => commands);
  assert.match(backUp ?? '', /\.backup/);
  assert.match(restore ?? '', /telemetry\.db/);
  return [backUp ?? '', restore ?? ''];
}
