/**
 * One connection to a SQLite file, as the rest of the store wants it.
 *
 * @module
 */
import Libsql from 'libsql';
import { StoreError } from '../store-error.js';
import { toStoreError } from './sqlite-error.js';

/** What can be bound and read. Integers are always bigint: a number is a REAL to libsql. */
export type SqlValue = null | string | bigint | Uint8Array;

export type Row = Readonly<Record<string, SqlValue>>;

/**
 * A connection, with its quirks kept in: libsql takes the whole process down for a parameter of another type, binds a
 * lone object by name, leaves a statement (and so a read transaction) open after `get`, and closes a connection only
 * when its statements have been collected.
 *
 * Every method throws a `StoreError`.
 */
export class Database {
  readonly path: string;
  readonly #connection: Libsql.Database;
  readonly #statements = new Map<string, Libsql.Statement>();

  /** @param path - absolute, of a file that exists */
  constructor(path: string, busyTimeoutMillis: number) {
    this.path = path;
    try {
      this.#connection = new Libsql(path);
    } catch (error) {
      throw toStoreError(error, path);
    }
    this.execute(`PRAGMA busy_timeout = ${busyTimeoutMillis}`);
  }

  /** Whether a transaction is open; SQLite itself ends one on some errors. */
  get inTransaction(): boolean {
    return this.#connection.inTransaction;
  }

  /** Runs statements without parameters and results. */
  execute(sql: string): void {
    this.#try(() => this.#connection.exec(sql));
  }

  /** Runs one statement; returns how many rows it changed, those of triggers left out. */
  run(sql: string, ...parameters: readonly SqlValue[]): number {
    return this.#try(() => this.#prepare(sql).run(parameters).changes);
  }

  /** All rows: never ask for many. Their shape is the SQL's. */
  all<T extends Row>(sql: string, ...parameters: readonly SqlValue[]): T[] {
    return this.#try(() => {
      const rows = this.#prepare(sql).all(parameters) as Record<string, SqlValue | ArrayBuffer>[];
      for (const row of rows) {
        for (const [name, value] of Object.entries(row)) {
          if (value instanceof ArrayBuffer) row[name] = new Uint8Array(value);
        }
      }
      return rows as unknown as T[];
    });
  }

  /** An integer that a pragma gives. */
  pragma(name: string): number {
    const [value] = Object.values(this.all(`PRAGMA ${name}`)[0] ?? {});
    return Number(value);
  }

  /** Runs `work` in a transaction that has the write lock from its first statement on; rolls back if it throws. */
  transaction<T>(work: () => T): T {
    this.execute('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.execute('COMMIT');
      return result;
    } catch (error) {
      if (this.inTransaction) this.execute('ROLLBACK');
      throw error;
    }
  }

  /** Runs `work` as a part of a transaction that can fail without the rest. */
  savepoint<T>(work: () => T): T {
    this.execute('SAVEPOINT part');
    try {
      const result = work();
      this.execute('RELEASE part');
      return result;
    } catch (error) {
      if (this.inTransaction) this.execute('ROLLBACK TO part; RELEASE part');
      throw error;
    }
  }

  close(): void {
    this.#statements.clear();
    this.#connection.close();
  }

  #prepare(sql: string): Libsql.Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#connection.prepare(sql).safeIntegers(true);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #try<T>(use: () => T): T {
    try {
      return use();
    } catch (error) {
      throw error instanceof StoreError ? error : toStoreError(error, this.path);
    }
  }
}
