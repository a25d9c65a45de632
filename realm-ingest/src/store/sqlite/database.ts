/**
 * A connection to a SQLite file.
 *
 * @module
 */
import Libsql from 'libsql';
import { StoreError } from '../store-error.js';
import { toStoreError } from './sqlite-error.js';

/** Values of parameters and columns. Integers are always bigint: libsql stores a number as REAL. */
type SqlValue = null | string | bigint | Uint8Array;

export type Row = Readonly<Record<string, SqlValue>>;

/**
 * A connection that hides the quirks of libsql: a parameter of another type crashes the process, a single object is bound by
 * name, `get` leaves the statement (and so a read transaction) open, and a connection closes only when its statements are
 * garbage-collected.
 *
 * Every method throws a `StoreError`.
 */
export class Database {
  readonly path: string;
  readonly #connection: Libsql.Database;
  readonly #statements = new Map<string, Libsql.Statement>();

  /** @param path - absolute path of an existing file */
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

  /** Runs statements without parameters or results. */
  execute(sql: string): void {
    this.#try(() => this.#connection.exec(sql));
  }

  /** Runs one statement; returns the number of rows that it changed, without those of triggers. */
  run(sql: string, ...parameters: readonly SqlValue[]): number {
    return this.#try(() => this.#prepare(sql).run(parameters).changes);
  }

  /** Returns all rows: select only few. `T` is not checked. */
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

  /** The integer value of a pragma. */
  pragma(name: string): number {
    const [value] = Object.values(this.all(`PRAGMA ${name}`)[0] ?? {});
    return Number(value);
  }

  /** Runs `work` in a transaction that takes the write lock first; rolls back if `work` throws. */
  transaction<T>(work: () => T): T {
    return this.#runBetween('BEGIN IMMEDIATE', work, 'COMMIT', 'ROLLBACK');
  }

  /** Runs `work` as a part of the transaction that can be rolled back alone. */
  savepoint<T>(work: () => T): T {
    return this.#runBetween('SAVEPOINT part', work, 'RELEASE part', 'ROLLBACK TO part; RELEASE part');
  }

  close(): void {
    this.#statements.clear();
    this.#connection.close();
  }

  #runBetween<T>(begin: string, work: () => T, end: string, rollBack: string): T {
    this.execute(begin);
    try {
      const result = work();
      this.execute(end);
      return result;
    } catch (error) {
      if (this.inTransaction) this.execute(rollBack);
      throw error;
    }
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
