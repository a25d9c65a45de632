/**
 * The client's side of the wire, for tests: builds the bytes that a client would send, and takes apart those that a
 * server sends. Written from the protocol page alone, with string concatenation, and without any of the source's
 * code; it checks nothing, so that it can be told to lie.
 *
 * @module
 */
import { deflateSync } from 'node:zlib';

type Integer = number | bigint;

/** Concatenates texts (as UTF-8) and bytes. */
export function bytesOf(...parts: (string | Uint8Array)[]): Uint8Array {
  return new Uint8Array(
    Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part))),
  );
}

const sizeOf = (text: string): number => Buffer.byteLength(text);

/** `json` undefined: nothing to say, as protocols 7 and 9 do. */
export function bind(options: { session?: number; needFileIdent?: boolean; json?: object } = {}): Uint8Array {
  const json = options.json === undefined ? '' : JSON.stringify(options.json);
  return bytesOf(
    `bind ${options.session ?? 1} ${sizeOf(json)} 0 ${(options.needFileIdent ?? true) ? 1 : 0} 0\n${json}`,
  );
}

export function ident(options: {
  session?: number;
  fileIdent: Integer;
  salt: Integer;
  scanServerVersion?: Integer;
  scanClientVersion?: Integer;
  latestServerVersion?: Integer;
  latestServerVersionSalt?: Integer;
  queryVersion?: Integer;
  query?: object;
}): Uint8Array {
  const query = JSON.stringify(options.query ?? {});
  const fields = [
    'ident',
    options.session ?? 1,
    options.fileIdent,
    options.salt,
    options.scanServerVersion ?? 0,
    options.scanClientVersion ?? 0,
    options.latestServerVersion ?? options.scanServerVersion ?? 0,
    options.latestServerVersionSalt ?? 0,
    options.queryVersion ?? 0,
    sizeOf(query),
  ];
  return bytesOf(`${fields.join(' ')}\n${query}`);
}

export function query(options: { session?: number; queryVersion: Integer; query?: object }): Uint8Array {
  const text = JSON.stringify(options.query ?? {});
  return bytesOf(`query ${options.session ?? 1} ${options.queryVersion} ${sizeOf(text)}\n${text}`);
}

/** One changeset of an UPLOAD. */
export interface ChangesetToUpload {
  clientVersion: Integer;
  serverVersion?: Integer;
  originTimestamp?: Integer;
  originFileIdent?: Integer;
  /** Unless told, the length of `bytes`. */
  size?: Integer;
  bytes?: Uint8Array;
}

/** The body of an UPLOAD before compression. */
export function uploadBody(changesets: readonly ChangesetToUpload[]): Uint8Array {
  return bytesOf(
    ...changesets.flatMap((changeset) => {
      const bytes = changeset.bytes ?? new Uint8Array();
      const fields = [
        changeset.clientVersion,
        changeset.serverVersion ?? 1,
        changeset.originTimestamp ?? 375318178868n,
        changeset.originFileIdent ?? 0,
        changeset.size ?? bytes.length,
      ];
      return [`${fields.join(' ')} `, bytes];
    }),
  );
}

/**
 * `compress` undefined: as clients do, if the body has more than 1024 bytes and gets smaller.
 * `uncompressedSize` and `compressedSize` lie about the sizes.
 */
export function upload(options: {
  session?: number;
  changesets?: readonly ChangesetToUpload[];
  /** Instead of changesets. */
  body?: Uint8Array;
  compress?: boolean;
  uncompressedSize?: Integer;
  compressedSize?: Integer;
  progressClientVersion?: Integer;
  progressServerVersion?: Integer;
  lockedServerVersion?: Integer;
}): Uint8Array {
  const body = options.body ?? uploadBody(options.changesets ?? []);
  const deflated = deflateSync(body, { level: 1 });
  const compress = options.compress ?? (body.length > 1024 && deflated.length < body.length);
  const fields = [
    'upload',
    options.session ?? 1,
    compress ? 1 : 0,
    options.uncompressedSize ?? body.length,
    options.compressedSize ?? (compress ? deflated.length : 0),
    options.progressClientVersion ?? options.changesets?.at(-1)?.clientVersion ?? 0,
    options.progressServerVersion ?? 1,
    options.lockedServerVersion ?? 1,
  ];
  return bytesOf(`${fields.join(' ')}\n`, compress ? deflated : body);
}

export const mark = (requestIdent: Integer, session = 1): Uint8Array =>
  bytesOf(`mark ${session} ${requestIdent}\n`);

export const unbind = (session = 1): Uint8Array => bytesOf(`unbind ${session}\n`);

export const ping = (timestamp: Integer, rtt: Integer = 0): Uint8Array =>
  bytesOf(`ping ${timestamp} ${rtt}\n`);

export function clientError(code: number, message: string, session = 1): Uint8Array {
  const json = JSON.stringify({ message });
  return bytesOf(`json_error ${code} ${sizeOf(json)} ${session}\n${json}`);
}

/** A message of the server's, cut at its spaces and its line feed. */
export interface ReceivedMessage {
  readonly type: string;
  /** The header's fields behind the type, as they stand there. */
  readonly fields: readonly string[];
  readonly body: string;
  /** The body of a `json_error` or `log_message`, parsed. */
  readonly json: Record<string, unknown> | undefined;
}

/** Parses a server's message as a client does, and fails as it does if the sizes are wrong. */
export function receive(message: Uint8Array): ReceivedMessage {
  const text = Buffer.from(message).toString('utf8');
  const end = text.indexOf('\n');
  if (end < 0) throw new Error(`no line feed in ${JSON.stringify(text)}`);
  const [type = '', ...fields] = text.slice(0, end).split(' ');
  const body = text.slice(end + 1);
  const size = { download: fields[11], json_error: fields[1], log_message: fields[1] }[type] ?? '0';
  if (String(sizeOf(body)) !== size) throw new Error(`size ${size} does not fit ${JSON.stringify(text)}`);
  const hasJson = type === 'json_error' || type === 'log_message';
  return { type, fields, body, json: hasJson ? (JSON.parse(body) as Record<string, unknown>) : undefined };
}
