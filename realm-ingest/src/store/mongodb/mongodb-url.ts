import { InvalidOptionError } from 'opentelemetry-exporter-realm/wire';

/** What is read from a connection string here; the rest is the driver's to read. */
export interface MongodbUrl {
  readonly database: string;
  /** Names of the options that the string gives, in lower case: what the user says there stands. */
  readonly options: ReadonlySet<string>;
}

const expected =
  'mongodb://HOST/DATABASE or mongodb+srv://HOST/DATABASE, with the database in which telemetry is kept';

/** Databases that are MongoDB's own. */
const reserved = ['admin', 'config', 'local'];

/** @throws InvalidOptionError for a string without a usable database; it repeats nothing but the scheme */
export function parseMongodbUrl(url: string): MongodbUrl {
  const match = /^(mongodb(?:\+srv)?):\/\/[^/?]+(?:\/([^?]*))?(?:\?(.*))?$/isu.exec(url);
  if (match === null) throw unusable(url);
  const database = decode(match[2] ?? '');
  const isName =
    database !== undefined && /^[^/\\. "$*<>:|?\0]+$/u.test(database) && Buffer.byteLength(database) <= 63;
  if (!isName || reserved.includes(database)) throw unusable(url);
  const options = [...new URLSearchParams(match[3] ?? '').keys()].map((name) => name.toLowerCase());
  return { database, options: new Set(options) };
}

/** The error for a connection string that cannot be used. */
export function unusable(url: string, why = ''): InvalidOptionError {
  const scheme = url.slice(0, url.indexOf(':'));
  return new InvalidOptionError('store', `${scheme}://…`, why === '' ? expected : `${expected} (${why})`);
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
