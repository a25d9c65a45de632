/**
 * Which class's documents go into which collection.
 *
 * @module
 */
import { InvalidOptionError } from 'opentelemetry-exporter-realm/wire';

/** The classes that are stored, and where. */
export interface StoredClasses {
  /** Prefix of our own classes, as in the exporters. Default: none. */
  readonly classPrefix?: string | undefined;
  /** Classes that are stored besides ours. Default: none. */
  readonly classes?: readonly string[] | undefined;
  /** Collections by class, of classes whose collections are not called as they are. Default: none. */
  readonly collections?: Readonly<Record<string, string>> | undefined;
}

export interface CollectionNames {
  readonly span: string;
  readonly logRecord: string;
  /** Ours first. */
  readonly all: readonly string[];
  /** Of a class that is stored. */
  of(className: string): string;
}

/**
 * What the longest name of a database (63 bytes) leaves of the 235 bytes that MongoDB has for the full name of a
 * collection that may be sharded.
 */
const maxNameBytes = 171;

const validNames =
  `names of at most ${maxNameBytes} bytes, without $ and NUL, that do not begin with "system." or "realm_ingest.", ` +
  'and have no dot at either end and no two dots together';

/**
 * The collections of all classes that are stored: each has its own, by default one of its name.
 *
 * @throws InvalidOptionError for a name that MongoDB or we have no room for, a collection of two classes, and a class
 *   that is not stored
 */
export function resolveCollectionNames({
  classPrefix = '',
  classes = [],
  collections = {},
}: StoredClasses): CollectionNames {
  const [span, logRecord] = [`${classPrefix}Span`, `${classPrefix}LogRecord`];
  const names = new Map([span, logRecord, ...classes].map((className) => [className, className]));
  if (typeof collections !== 'object' || Array.isArray(collections)) {
    throw new InvalidOptionError(
      'collections',
      collections,
      'names of collections by class: { Span: "traces" }',
    );
  }
  for (const [className, name] of Object.entries(collections)) {
    if (!names.has(className)) {
      const stored = [...names.keys()].join(', ');
      throw new InvalidOptionError('collections', className, `classes that are stored: ${stored}`);
    }
    if (!isCollectionName(name)) throw new InvalidOptionError('collections', name, validNames);
    names.set(className, name);
  }
  const owners = new Map<string, string>();
  for (const [className, name] of names) {
    const owner = owners.get(name);
    if (owner !== undefined) {
      const expected = `a collection for each class; ${owner} and ${className} would share this one`;
      throw new InvalidOptionError('collections', name, expected);
    }
    if (!isCollectionName(name)) {
      const expected =
        'classes whose names can be those of collections, or other names for those (collections)';
      throw new InvalidOptionError('classes', name, expected);
    }
    owners.set(name, className);
  }
  const of = (className: string): string => names.get(className) ?? className;
  return { span: of(span), logRecord: of(logRecord), all: [...owners.keys()], of };
}

function isCollectionName(name: unknown): boolean {
  return (
    typeof name === 'string' &&
    Buffer.byteLength(name) <= maxNameBytes &&
    /^(?!system\.|realm_ingest\.)(?!\.)[^$\0\p{Surrogate}]+(?<!\.)$/u.test(name) &&
    !name.includes('..')
  );
}
