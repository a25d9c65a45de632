import type {
  NativeConfiguration,
  NativeObject,
  NativeRealm,
  NativeResults,
} from '../../src/realm/realm-types.js';

type Values = Readonly<Record<string, unknown>>;

/** A Realm in memory, for tests that need no engine. It knows the queries of the spool. All or nothing, as Realm's are. */
export class LocalRealm implements NativeRealm {
  readonly path: string;
  readonly syncSession: NativeRealm['syncSession'] = null;
  isClosed = false;
  isInTransaction = false;
  #objects: (readonly [className: string, values: Values])[] = [];

  constructor({ path }: Pick<NativeConfiguration, 'path'>) {
    this.path = path;
  }

  write<T>(callback: () => T): T {
    const before = [...this.#objects];
    this.isInTransaction = true;
    try {
      return callback();
    } catch (error) {
      this.#objects = before;
      throw error;
    } finally {
      this.isInTransaction = false;
    }
  }

  create(className: string, values: Values): unknown {
    this.#objects.push([className, values]);
    return values;
  }

  objects(className: string): NativeResults {
    return results(this.#objects.filter(([name]) => name === className).map(([, values]) => values));
  }

  delete(objects: unknown): void {
    const deleted = new Set(isIterable(objects) ? objects : [objects]);
    this.#objects = this.#objects.filter(([, values]) => !deleted.has(values));
  }

  cancelTransaction(): void {
    this.isInTransaction = false;
  }

  close(): void {
    this.isClosed = true;
  }
}

/** A snapshot of some objects, with what the spool asks of a live collection. */
function results(objects: readonly NativeObject[]): NativeResults {
  const numbers = (property: string): number[] => objects.map((object) => Number(object[property]));
  return Object.assign([...objects], {
    sorted: (property: string) =>
      results([...objects].sort((a, b) => Number(a[property]) - Number(b[property]))),
    filtered: (query: string, ...values: readonly unknown[]) =>
      results(objects.filter((object) => query.split(' && ').every((part) => holds(part, object, values)))),
    sum: (property: string) => numbers(property).reduce((sum, number) => sum + number, 0),
    min: (property: string) => (objects.length === 0 ? undefined : Math.min(...numbers(property))),
    max: (property: string) => (objects.length === 0 ? undefined : Math.max(...numbers(property))),
  });
}

/** Whether one comparison of a query holds: `seq >= $0`. */
function holds(comparison: string, object: NativeObject, values: readonly unknown[]): boolean {
  const [, property = '', operator, index] = /^(\w+) (<|>=) \$(\d)$/.exec(comparison) ?? [];
  if (operator === undefined) throw new Error(`this query is not known here: ${comparison}`);
  const left = Number(object[property]);
  const right = Number(values[Number(index)]);
  return operator === '<' ? left < right : left >= right;
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}
