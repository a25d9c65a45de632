import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runHere } from '../support/run-command.js';

describe('realm-ingest, called wrongly', () => {
  let directory: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'realm-ingest-usage-'));
    await writeFile(join(directory, 'file'), 'x');
  });

  after(() => rm(directory, { recursive: true }));

  const serve = ['serve', '--app-id', 'my-app', '--port', '0', '--log-level', 'silent'];
  /** `%` stands for the directory. */
  const store = ['--store', 'sqlite:%/store.db'];
  const cases: readonly [string[], number, RegExp][] = [
    [[], 2, /^Usage: realm-ingest /],
    [['nonsense'], 2, /^error: unknown command 'nonsense'/],
    [['serve', ...store], 2, /^error: required option '--app-id <id>' not specified/],
    [serve, 2, /^error: required option '--store <url>' not specified/],
    [[...serve, ...store, '--nonsense'], 2, /^error: unknown option '--nonsense'/],
    [
      [...serve, ...store, '--port', 'x'],
      2,
      /'--port <port>' argument 'x' is invalid. It must be a whole number/,
    ],
    [
      [...serve, ...store, '--port', '70000'],
      2,
      /^realm-ingest: invalid option: --port is 70000; expected an/,
    ],
    [[...serve, ...store, '--log-level', 'loud'], 2, /Allowed choices are silent, error, warn, info, debug/],
    [[...serve, ...store, '--host', '0.0.0.0'], 2, /--host is "0.0.0.0"; expected a loopback .*--insecure/],
    [
      [...serve, ...store, '--metrics-host', '::1'],
      2,
      /--metrics-port is undefined; expected a port, .*host/,
    ],
    [[...serve, ...store, '--public-url', 'x'], 2, /--public-url is "x"; expected http:/],
    [[...serve, ...store, '--max-message-bytes', '1'], 2, /--max-message-bytes is 1; expected an integer/],
    [
      [...serve, ...store, '--tls-cert', '%/file'],
      2,
      /--tls-key is undefined; .*certificate and key go together/,
    ],
    [
      [...serve, ...store, '--tls-cert', '%/no', '--tls-key', '%/file'],
      2,
      /--tls-cert is ".*\/no"; .*ENOENT/,
    ],
    [
      [...serve, ...store, '--tls-cert', '%/file', '--tls-key', '%/file'],
      2,
      /--tls-cert is ".*\/file"; .*PEM/,
    ],
    [
      [...serve, ...store, '--secret-file', '%/no'],
      1,
      /the server secret cannot be used: .*\/no cannot be read/,
    ],
    [
      [...serve, ...store, '--secret-file', '%/file'],
      1,
      /the server secret cannot be used: .*--secret-file.* has 1 bytes/,
    ],
    [[...serve, '--store', 'mysql://x'], 2, /^realm-ingest: invalid option: --store is "mysql:…"/],
    [[...serve, '--store', 'sqlite:%/no/store.db'], 1, /^realm-ingest: /],
    [['export', '--store', 'sqlite:%/no.db', '--collection', 'Span'], 1, /there is no such store: .*no\.db/],
    [['export', '--store', 'sqlite:%/file', '--collection', 'Span'], 1, /^realm-ingest: the store /],
    [['keys', 'create', ...store], 2, /required option '--user <name>'/],
    [['keys', 'create', ...store, '--user', 'a\nb'], 2, /control character/],
    [['keys', 'revoke', ...store], 2, /missing required argument 'id'/],
    [['dead-letters', 'retry', ...store], 2, /^error: give either keys or --all/],
    [['dead-letters', 'delete', 'abc', '--all', ...store], 2, /^error: give either keys or --all/],
    [[...serve, ...store, '--collections', 'Span'], 2, /It must be CLASS=COLLECTION/],
    [[...serve, ...store, '--collections', 'Span=a,Span=b'], 2, /Span is given twice/],
    [
      [...serve, ...store, '--collections', 'A=a'],
      2,
      /--collections is "A"; expected classes that are stored/,
    ],
    [[...serve, ...store, '--collections', 'Span=a'], 2, /--collections is "Span"; expected a MongoDB store/],
    [[...serve, ...store, '--index-attributes'], 2, /--index-attributes is true; expected a MongoDB store/],
    [[...serve, ...store, '--retention', '1d'], 2, /--retention is 86400; expected a MongoDB store/],
    [['dead-letters', 'retry', '--all', ...store, '--class-prefix', '$'], 2, /--class-prefix is "\$"; /],
    [
      ['dead-letters', 'retry', '--all', ...store, '--collections', 'Span=a'],
      2,
      /--collections is "Span"; expected a MongoDB store/,
    ],
  ];
  for (const [args, code, stderr] of cases) {
    it(`${args.join(' ')} → ${code}`, async () => {
      const result = await runHere(...args.map((argument) => argument.replace('%', directory)));
      assert.deepEqual({ code: result.code, stdout: result.stdout }, { code, stdout: '' }, result.stderr);
      assert.match(result.stderr, stderr);
      assert.ok(!result.stderr.includes('    at '), 'no stack for what we foresaw');
    });
  }

  it('REALM_INGEST_STORE replaces --store, which overrides it', async () => {
    process.env.REALM_INGEST_STORE = `sqlite:${directory}/of-the-environment.db`;
    try {
      assert.match(
        (await runHere('keys', 'list')).stderr,
        /there is no such store: .*of-the-environment\.db/,
      );
      const given = await runHere('keys', 'list', '--store', `sqlite:${directory}/given.db`);
      assert.match(given.stderr, /there is no such store: .*given\.db/);
    } finally {
      delete process.env.REALM_INGEST_STORE;
    }
  });

  it('--version is that of package.json', async () => {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    const { version } = JSON.parse(text) as { version: string };
    assert.deepEqual(await runHere('--version'), { code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('--help lists every option of serve', async () => {
    const { code, stdout } = await runHere('serve', '--help');
    assert.equal(code, 0);
    for (const option of [
      ...['--app-id', '--host', '--port', '--public-url', '--store', '--secret-file', '--allow-anonymous'],
      ...['--classes', '--class-prefix', '--log-level', '--max-message-bytes', '--max-inflight-bytes'],
      ...[
        '--max-dead-letter-bytes',
        '--collections',
        '--retention',
        '--index-attributes',
        '--tls-cert',
        '--tls-key',
        '--insecure',
      ],
    ]) {
      assert.ok(stdout.includes(`  ${option} `), option);
    }
  });
});
