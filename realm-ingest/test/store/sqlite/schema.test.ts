import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Database } from '../../../src/store/sqlite/database.js';
import {
  applicationId,
  createPrefixedViews,
  migrate,
  readSchemaVersion,
  schemaVersion,
} from '../../../src/store/sqlite/schema.js';

describe('the SQLite schema', () => {
  let directory: string;
  let database: Database;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'schema-'));
    database = create('telemetry.db');
  });
  afterEach(() => {
    database.close();
    rmSync(directory, { recursive: true });
  });

  function create(name: string): Database {
    const path = join(directory, name);
    writeFileSync(path, '');
    return new Database(path, 100);
  }

  describe('of an empty file', () => {
    it('is created with the settings that must precede the first table', () => {
      assert.equal(readSchemaVersion(database), 0);
      migrate(database);
      assert.equal(readSchemaVersion(database), schemaVersion);
      assert.equal(database.pragma('application_id'), applicationId);
      assert.equal(database.pragma('auto_vacuum'), 2);
      assert.deepEqual(database.all('PRAGMA journal_mode'), [{ journal_mode: 'wal' }]);
      const loose = database.all(
        "SELECT name FROM pragma_table_list WHERE type = 'table' AND NOT strict AND name NOT LIKE 'sqlite_%'",
      );
      assert.deepEqual(loose, []);
    });

    it('is unchanged by a second migration', () => {
      migrate(database);
      const before = database.all('SELECT * FROM sqlite_schema');
      migrate(database);
      assert.deepEqual(database.all('SELECT * FROM sqlite_schema'), before);
    });
  });

  it('refuses an unknown version', () => {
    migrate(database);
    database.execute(`PRAGMA user_version = ${schemaVersion + 1}`);
    assert.throws(() => {
      migrate(database);
    }, /store-incompatible|schema version 2; this release supports up to 1/);
  });

  it('refuses another program’s file', () => {
    database.execute('CREATE TABLE theirs (a)');
    assert.throws(() => readSchemaVersion(database), /another program/);
    const empty = create('other.db');
    empty.execute('PRAGMA application_id = 5');
    assert.throws(() => readSchemaVersion(empty), /another program/);
    empty.close();
  });

  describe('answers with an index', () => {
    const queries: [string, string, string][] = [
      ['a trace', "SELECT * FROM Span WHERE traceId = 'ab'", 'documents_by_trace'],
      [
        'the logs of a trace',
        "SELECT * FROM LogRecord WHERE traceId = 'ab' ORDER BY time",
        'documents_by_trace',
      ],
      [
        'a trace, asked of the documents themselves',
        "SELECT document FROM documents WHERE document ->> '$.traceId' = 'ab'",
        'documents_by_trace',
      ],
      [
        'the last spans of a service',
        "SELECT * FROM Span WHERE serviceName = 'checkout' ORDER BY startTime DESC LIMIT 20",
        'spans_by_service_and_time',
      ],
      [
        'the spans of a service since a time',
        "SELECT name, count(*) FROM Span WHERE serviceName = 'a' AND startTime >= '2026-01-01' GROUP BY name",
        'spans_by_service_and_time',
      ],
      [
        'the spans of an hour',
        "SELECT * FROM Span WHERE startTime >= '2026-01-01T10' AND startTime < '2026-01-01T11'",
        'spans_by_time',
      ],
      ['the last spans', 'SELECT * FROM Span ORDER BY startTime DESC LIMIT 20', 'spans_by_time'],
      [
        'the last logs of a service',
        "SELECT * FROM LogRecord WHERE serviceName = 'checkout' ORDER BY time DESC LIMIT 20",
        'logs_by_service_and_time',
      ],
      ['the last logs', 'SELECT * FROM LogRecord ORDER BY time DESC LIMIT 20', 'logs_by_time'],
      [
        'a trace in one service',
        "SELECT * FROM Span WHERE serviceName = 'a' AND traceId = 'ab' ORDER BY startTime",
        'documents_by_trace',
      ],
      ['prefixed spans', "SELECT * FROM AcmeSpan WHERE startTime > '2026'", 'spans_by_time'],
    ];
    for (const [what, sql, index] of queries) {
      it(what, () => {
        migrate(database);
        createPrefixedViews(database, 'Acme');
        // As a shell that opens the file.
        database.close();
        database = new Database(database.path, 100);
        const plan = database
          .all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
          .map(({ detail }) => detail);
        assert.ok(
          plan.some((line) => line.startsWith('SEARCH') && line.includes(`INDEX ${index} `)),
          plan.join('\n'),
        );
        const sorts = plan.some((line) => line.includes('ORDER BY'));
        // A trace has few spans; everything else comes in the index's order.
        assert.ok(!sorts || index === 'documents_by_trace', plan.join('\n'));
      });
    }
  });

  describe('has views', () => {
    const insert = (collection: string, document: string) =>
      database.run('INSERT INTO documents VALUES (?, ?, ?)', collection, document, document);

    it('of spans and log records', () => {
      migrate(database);
      insert(
        'Span',
        '{"_id":{"$oid":"01"},"name":"GET","durationNano":5,"resource":{"service":{"name":"a"}}}',
      );
      insert('span', '{"_id":{"$oid":"02"}}');
      insert('LogRecord', '{"_id":{"$oid":"03"},"observedTime":"2026-01-01T00:00:00.000Z","body":{"a":1}}');
      assert.deepEqual(database.all('SELECT _id, name, durationNano, serviceName FROM Span'), [
        { _id: '01', name: 'GET', durationNano: 5n, serviceName: 'a' },
      ]);
      assert.deepEqual(database.all('SELECT _id, time, body FROM LogRecord'), [
        { _id: '03', time: '2026-01-01T00:00:00.000Z', body: '{"a":1}' },
      ]);
    });

    it('and allows the user’s own views and indexes of attributes', () => {
      migrate(database);
      const route = `document ->> '$.attributes.http.route'`;
      database.execute(
        `CREATE VIEW traces AS SELECT * FROM Span; CREATE INDEX by_route ON documents (${route})`,
      );
      migrate(database);
      insert('Span', '{"_id":{"$oid":"01"},"name":"GET","attributes":{"http":{"route":"/"}}}');
      const query = `SELECT name FROM traces WHERE ${route} = '/'`;
      assert.deepEqual(database.all(query), [{ name: 'GET' }]);
      const plan = database.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${query}`);
      assert.match(plan[0]?.detail ?? '', /INDEX by_route /);
    });

    it('of prefixed classes, with any prefix', () => {
      migrate(database);
      const hostile = `"'; DROP TABLE documents; --`;
      for (const prefix of ['Acme', hostile, 'Acme', 'acme', '']) createPrefixedViews(database, prefix);
      insert('AcmeSpan', '{}');
      insert(`${hostile}Span`, '{}');
      assert.equal(database.all('SELECT * FROM AcmeSpan').length, 1);
      assert.equal(database.all(`SELECT * FROM "${hostile.replaceAll('"', '""')}Span"`).length, 1);
      assert.equal(database.all('SELECT * FROM Span').length, 0);
    });
  });
});
