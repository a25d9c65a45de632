import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EJSON } from 'bson';
import { createChangesetConverter } from '../../src/pipeline/changeset-documents.js';
import { UploadPipeline } from '../../src/pipeline/upload-pipeline.js';
import { openStore } from '../../src/store/open-store.js';
import { RecordingLogger } from '../../../test/support/server/recording-logger.js';
import { spanChangeset } from '../../../test/support/server/span-changeset.js';
import { runHere, type CommandResult } from '../support/run-command.js';
import { uploadOf } from '../support/upload-of.js';

describe('realm-ingest', () => {
  let directory: string;
  let storeUrl: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'realm-ingest-commands-'));
    storeUrl = `sqlite:${join(directory, 'store.db')}`;
  });

  afterEach(() => rm(directory, { recursive: true }));

  const run = (...args: string[]): Promise<CommandResult> => runHere(...args, '--store', storeUrl);

  /** Commits changesets as a server would. */
  async function commit(...changesets: Uint8Array[]): Promise<void> {
    const store = await openStore(storeUrl, { mode: 'serve' });
    const logger = new RecordingLogger();
    const pipeline = new UploadPipeline({
      appId: 'my-app',
      store,
      saltKey: new Uint8Array(32),
      converter: createChangesetConverter({ classPrefix: '', classes: [], logger }),
      observer: {},
      logger,
    });
    await pipeline.commit(uploadOf(...changesets));
    await store.close();
  }

  describe('export', () => {
    it('prints one document a line, as canonical Extended JSON', async () => {
      await commit(spanChangeset(['a', 'line\nbreak'], { more: { flags: { type: 'int', value: 257n } } }));
      const { code, stdout, stderr } = await run('export', '--collection', 'Span');
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      const lines = stdout.trimEnd().split('\n');
      assert.equal(lines.length, 2);
      const documents = lines.map((line) => EJSON.parse(line, { relaxed: true }) as Record<string, unknown>);
      assert.deepEqual(documents.map(({ name }) => name).sort(), ['a', 'line\nbreak']);
      for (const { flags, ingest } of documents) {
        assert.equal(flags, 257);
        assert.ok((ingest as { receivedAt: unknown }).receivedAt instanceof Date);
      }
      assert.match(lines[0]!, /"flags":\{"\$numberInt":"257"\}/);
    });

    it('lists the collections if the given one does not exist', async () => {
      await commit(spanChangeset(['a']));
      const { code, stdout, stderr } = await run('export', '--collection', 'Spans');
      assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
      assert.equal(stderr, 'realm-ingest: no such collection: "Spans"; the store has Span\n');
    });
  });

  describe('keys', () => {
    it('are printed once, listed without their secret, and revoked', async () => {
      const created = await run('keys', 'create', '--user', 'kiosk 7');
      assert.equal(created.code, 0);
      assert.match(created.stdout, /^rik_[\w-]{43}\n$/);
      const id = /^key ([0-9a-f]{24}) of "kiosk 7"/.exec(created.stderr)![1]!;

      const listed = await run('keys', 'list');
      assert.match(listed.stdout, new RegExp(`^ID +CREATED +STATE +USER\n${id}  \\S+Z  valid  kiosk 7\n$`));
      assert.ok(!listed.stdout.includes(created.stdout.trim()));

      assert.deepEqual(await run('keys', 'revoke', id), { code: 0, stdout: `revoked ${id}\n`, stderr: '' });
      assert.match((await run('keys', 'list')).stdout, /revoked \d{4}-/);
      assert.match((await run('keys', 'revoke', id)).stdout, /was revoked/);
    });

    it('that do not exist cannot be revoked', async () => {
      await run('keys', 'create', '--user', 'a');
      const { code, stderr } = await run('keys', 'revoke', '0123');
      assert.equal(code, 1);
      assert.match(stderr, /^realm-ingest: no such API key: "0123"; see `realm-ingest keys list`\n$/);
    });
  });

  describe('dead-letters', () => {
    const keysIn = (text: string): string[] =>
      text
        .trimEnd()
        .split('\n')
        .slice(1)
        .map((line) => line.split(' ', 1)[0]!);

    beforeEach(() =>
      commit(spanChangeset(['a', 'b'], { className: 'Sensor' }), Buffer.from('\u001b[2J not a changeset')),
    );

    it('list: prints one a line', async () => {
      const { code, stdout } = await run('dead-letters', 'list');
      assert.equal(code, 0);
      assert.equal(keysIn(stdout).length, 3);
      assert.match(stdout, /^KEY +RECEIVED +REASON +CLASS +BYTES +USER +DETAIL\n/);
      assert.equal(stdout.match(/ class-not-admitted +Sensor +\d+ +anon-1 /g)?.length, 2);
      assert.equal(stdout.match(/ bad-changeset +- +\d+ +anon-1 /g)?.length, 1);
      assert.ok(!stdout.includes('\u001b'));
    });

    it('show: prints all of one, with its changeset in base64', async () => {
      const keys = keysIn((await run('dead-letters', 'list')).stdout);
      const shown = await Promise.resolve(run('dead-letters', 'show', keys[2]!));
      const letter = JSON.parse(shown.stdout) as Record<string, unknown>;
      assert.equal(letter.fileIdent, '1099511627776');
      assert.ok((letter.key as string).startsWith(keys[2]!));
      assert.equal(typeof letter.changeset, 'string');
    });

    it('retry: stores those whose class is admitted now, and says why others stay', async () => {
      const unchanged = await run('dead-letters', 'retry', '--all');
      assert.equal(unchanged.code, 1);
      assert.equal(unchanged.stdout.match(/^kept \w{12}: /gm)?.length, 3);
      assert.equal(unchanged.stderr, 'realm-ingest: 3 still cannot be stored\n');

      const admitted = await run('dead-letters', 'retry', '--all', '--classes', 'Sensor');
      assert.equal(admitted.code, 1);
      assert.equal(admitted.stdout.match(/^stored \w{12}$/gm)?.length, 2);
      assert.match(admitted.stdout, /^kept \w{12}: bad-changeset$/m);
      assert.equal(keysIn((await run('dead-letters', 'list')).stdout).length, 1);
      const { stdout } = await run('export', '--collection', 'Sensor');
      assert.equal(stdout.trimEnd().split('\n').length, 2);
    });

    it('delete: deletes those that are given, or all', async () => {
      const [first] = keysIn((await run('dead-letters', 'list')).stdout);
      assert.deepEqual(await run('dead-letters', 'delete', first!), {
        code: 0,
        stdout: `deleted ${first}\n`,
        stderr: '',
      });
      assert.equal((await run('dead-letters', 'delete', '--all')).code, 0);
      assert.deepEqual(keysIn((await run('dead-letters', 'list')).stdout), []);
    });

    it('an unknown key', async () => {
      for (const command of ['show', 'retry', 'delete']) {
        const { code, stderr } = await run('dead-letters', command, 'nonsense');
        assert.equal(code, 1);
        assert.match(stderr, /^realm-ingest: no such dead letter: "nonsense"/);
      }
    });
  });

  it('secret fails if the store keeps none', async () => {
    await run('keys', 'create', '--user', 'a');
    const { code, stderr } = await run('secret');
    assert.equal(code, 1);
    assert.match(stderr, /the store keeps none/);
  });
});
