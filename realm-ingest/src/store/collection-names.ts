/**
 * The collections of classes.
 *
 * @module
 */
import { classNamesFor, InvalidOptionError } from 'opentelemetry-exporter-realm/wire';

/** The stored classes and their collections. */
export interface StoredClasses {
  /** Prefix of the telemetry classes, as in the exporters. Default: none. */
  readonly classPrefix?: string | undefined;
  /** Other classes to store. Default: none. */
  readonly classes?: readonly string[] | undefined;
  /** Names of collections by class, if they differ from the class. Default: none. */
  readonly collections?: Readonly<Record<string, string>> | undefined;
}

export interface CollectionNames {
  readonly span: string;
  readonly logRecord: string;
  /** Telemetry first. */
  readonly all: readonly string[];
  /** The collection of a stored class. */
  of(className: string): string;
}

/**
 * MongoDB allows 235 bytes for the full name of a sharded collection; the longest name of a database takes 63 and a dot.
 */
const maxNameBytes = 171;

const validNames =
  `names of at most ${maxNameBytes} bytes, without $ and NUL, that do not begin with "system." or "realm_ingest.", ` +
  'do not begin or end with a dot, and have no two dots in a row';

/**
 * The collections of all stored classes. Each class has its own, by default named like the class.
 *
 * @throws InvalidOptionError for a name that MongoDB or we cannot use, for two classes with the same collection, and for a
 *   class that is not stored
 */
export function resolveCollectionNames({
  classPrefix = '',
  classes = [],
  collections = {},
}: StoredClasses): CollectionNames {
  const { span, logRecord } = classNamesFor(classPrefix);
  const names = new Map([span, logRecord, ...classes].map((className) => [className, className]));
  if (typeof collections !== 'object' || Array.isArray(collections)) {
    throw new InvalidOptionError(
      'collections',
      collections,
      'names of collections by class, such as { Span: "traces" }',
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
        'classes with valid names of collections, or other names for these (option collections)';
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
