import { InvalidOptionError } from 'opentelemetry-exporter-realm/wire';

/** The parts of a connection string that we read; the driver reads the rest. */
export interface MongodbUrl {
  readonly database: string;
  /** Names of the string's options, in lower case: they override our defaults. */
  readonly options: ReadonlySet<string>;
}

const expected =
  'mongodb://HOST/DATABASE or mongodb+srv://HOST/DATABASE, with the database for the telemetry';

/** MongoDB's own databases. */
const reserved = ['admin', 'config', 'local'];

/** @throws InvalidOptionError for a string without a usable database; it quotes only the scheme */
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

/** The error for an unusable connection string. */
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
