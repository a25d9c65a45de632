import assert from 'node:assert/strict';
import { once } from 'node:events';
import { eventually } from '../../../test/support/eventually.js';
import { runCommand } from '../../../test/support/ingest-process.js';

describe('realm-ingest serve, while MongoDB is down', function () {
  this.timeout(120_000);

  it('waits, says so without the password, and ends with 0 on SIGTERM', async () => {
    // Nothing listens on port 1.
    const store = 'mongodb://user:secret@127.0.0.1:1/telemetry?serverSelectionTimeoutMS=200';
    const child = runCommand(['serve', '--app-id', 'waiting', '--port', '0', '--store', store]);
    const exited = once(child, 'exit');
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
    try {
      await eventually('a line that says so', () => output.includes('waiting for MongoDB'));
      child.kill('SIGTERM');
      assert.deepEqual(await exited, [0, null], output);
      assert.doesNotMatch(output, /secret/);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
