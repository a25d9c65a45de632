/**
 * One WebSocket message of a client → one typed message.
 *
 * ```
 * message = type *(SP field) LF body
 * ```
 *
 * Source: sync protocol, section 3.1.
 *
 * @module
 */
import { FieldReader } from './field-reader.js';
import { parseJsonObject } from './json-body.js';
import type {
  BindMessage,
  ClientErrorMessage,
  ClientIdentMessage,
  ClientMessage,
  MarkMessage,
  PingMessage,
  ProtocolVersion,
  QueryMessage,
  UnbindMessage,
  UploadMessage,
} from './messages.js';
import { ProtocolError } from './protocol-error.js';
import { connectionErrors, sessionErrors } from './wire-codes.js';

/** Limits for messages of clients. */
interface MessageLimits {
  /** Bytes of a message's inflated body; the option `--max-message-bytes`. */
  readonly maxMessageBytes: number;
}

interface Message {
  readonly bytes: Uint8Array;
  readonly fields: FieldReader;
  readonly version: ProtocolVersion;
  readonly limits: MessageLimits;
}

/** Far above any access token. With flexible sync the field is always 0. */
const maxTokenBytes = 1 << 16;
/** The text goes into a log line. */
const maxErrorTextLength = 1000;

const parsers = {
  bind: parseBind,
  ident: parseIdent,
  query: parseQuery,
  upload: parseUpload,
  mark: parseMark,
  unbind: parseUnbind,
  ping: parsePing,
  json_error: parseClientError,
} as const satisfies Record<ClientMessage['type'], (message: Message) => ClientMessage>;

/**
 * Parses one message. Its cost does not depend on the size: the body of an UPLOAD is left to `readUploadBody`.
 *
 * @param bytes - the whole binary WebSocket message; the result may contain views of it
 * @param version - the connection's protocol version
 * @throws {@link ProtocolError} with wire code 102 (unknown type), 103 (malformed), or 201 with the session's ident (an
 *   UPLOAD above the limit; its body is not read)
 */
export function parseClientMessage(
  bytes: Uint8Array,
  version: ProtocolVersion,
  limits: MessageLimits,
): ClientMessage {
  const type = new FieldReader(bytes, 0, connectionErrors.badSyntax, 'message').text('type');
  if (!isKnownType(type)) {
    throw new ProtocolError('message-unknown', JSON.stringify(type), {
      wireCode: connectionErrors.unknownMessage,
      offset: 0,
    });
  }
  const fields = new FieldReader(bytes, 0, connectionErrors.badSyntax, type);
  fields.text('type');
  return parsers[type]({ bytes, fields, version, limits });
}

function isKnownType(type: string): type is ClientMessage['type'] {
  return Object.hasOwn(parsers, type);
}

/** `bind S <n> <token_size> <need_file_ident> <is_subserver>\n` + n bytes of JSON (7: a path) + token */
function parseBind({ fields, version }: Message): BindMessage {
  const sessionIdent = parseSessionIdent(fields);
  const optionsBytes = fields.size('options size');
  const tokenBytes = fields.size('token size');
  const needClientFileIdent = fields.flag('need file ident');
  fields.flag('is subserver');
  if (tokenBytes > maxTokenBytes) {
    throw syntaxError(
      `bind: token of ${tokenBytes} bytes, at most ${maxTokenBytes} are allowed`,
      fields.offset,
    );
  }
  if (version < 8 && optionsBytes > 0) {
    throw syntaxError('bind: a server path, which only partition-based sync has', fields.offset);
  }
  const options = fields.body(optionsBytes + tokenBytes).subarray(0, optionsBytes);
  return {
    type: 'bind',
    sessionIdent,
    options: optionsBytes === 0 ? undefined : parseJsonObject(options, fields.offset, 'bind'),
    needClientFileIdent,
  };
}

/**
 * `ident S <file_ident> <salt> <scan_server_version> <scan_client_version> <latest_server_version>
 * <latest_server_version_salt> <query_version> <query_size>\n` + JSON
 */
function parseIdent({ fields }: Message): ClientIdentMessage {
  return {
    type: 'ident',
    sessionIdent: parseSessionIdent(fields),
    clientFileIdent: fields.integer('file ident', 1n, 2n ** 63n - 1n),
    clientFileIdentSalt: fields.int64('salt'),
    scanServerVersion: fields.version('scan server version'),
    scanClientVersion: fields.version('scan client version'),
    latestServerVersion: fields.version('latest server version'),
    latestServerVersionSalt: fields.int64('latest server version salt'),
    queryVersion: fields.version('query version'),
    query: parseQueryBody(fields, 'ident'),
  };
}

/** `query S <query_version> <size>\n` + JSON */
function parseQuery({ fields }: Message): QueryMessage {
  return {
    type: 'query',
    sessionIdent: parseSessionIdent(fields),
    queryVersion: fields.version('query version'),
    query: parseQueryBody(fields, 'query'),
  };
}

/**
 * `upload S <is_compressed> <uncompressed_size> <compressed_size> <progress_client_version>
 * <progress_server_version> <locked_server_version>\n` + body
 */
function parseUpload({ fields, limits }: Message): UploadMessage {
  const sessionIdent = parseSessionIdent(fields);
  const isCompressed = fields.flag('is compressed');
  const uncompressedBytes = fields.size('uncompressed size');
  const compressedBytes = fields.size('compressed size');
  const progressClientVersion = fields.version('progress client version');
  const progressServerVersion = fields.version('progress server version');
  const lockedServerVersion = fields.version('locked server version');
  if (!isCompressed && compressedBytes > 0) {
    throw syntaxError(
      `upload: not compressed, but with a compressed size of ${compressedBytes} bytes`,
      fields.offset,
    );
  }
  const body = fields.body(isCompressed ? compressedBytes : uncompressedBytes);
  const largest = Math.max(uncompressedBytes, compressedBytes);
  if (largest > limits.maxMessageBytes) {
    throw new ProtocolError(
      'message-too-large',
      `upload of ${largest} bytes; --max-message-bytes is ${limits.maxMessageBytes}`,
      { wireCode: sessionErrors.otherSessionError, sessionIdent },
    );
  }
  return {
    type: 'upload',
    sessionIdent,
    progressClientVersion,
    progressServerVersion,
    lockedServerVersion,
    isCompressed,
    uncompressedBytes,
    body,
  };
}

/** `mark S <request_ident>\n` */
function parseMark({ fields }: Message): MarkMessage {
  const sessionIdent = parseSessionIdent(fields);
  const requestIdent = fields.version('request ident');
  fields.body(0);
  return { type: 'mark', sessionIdent, requestIdent };
}

/** `unbind S\n` */
function parseUnbind({ fields }: Message): UnbindMessage {
  const sessionIdent = parseSessionIdent(fields);
  fields.body(0);
  return { type: 'unbind', sessionIdent };
}

/** `ping <timestamp> <rtt>\n` */
function parsePing({ fields }: Message): PingMessage {
  const timestamp = fields.int64('timestamp');
  const rtt = fields.int64('rtt');
  fields.body(0);
  return { type: 'ping', timestamp, rtt };
}

/** `json_error <code> <size> S\n` + `{"message":"…"}` */
function parseClientError({ fields }: Message): ClientErrorMessage {
  const code = fields.size('code');
  const size = fields.size('size');
  const sessionIdent = parseSessionIdent(fields);
  const { message } = parseJsonObject(fields.body(size), fields.offset, 'json_error');
  const text = typeof message === 'string' ? message.slice(0, maxErrorTextLength) : '';
  return { type: 'json_error', sessionIdent, code, message: text };
}

/** Session idents start at 1; 0 is the connection. */
function parseSessionIdent(fields: FieldReader): number {
  return fields.size('session ident', 1);
}

/** `<size>\n` + a JSON object: class name → query */
function parseQueryBody(fields: FieldReader, context: string): Record<string, string> {
  const size = fields.size('query size');
  const query = parseJsonObject(fields.body(size), fields.offset, context);
  if (!Object.values(query).every((text) => typeof text === 'string')) {
    throw syntaxError(`${context}: a query is not a string`, fields.offset);
  }
  return query as Record<string, string>;
}

function syntaxError(particulars: string, offset: number): ProtocolError {
  return new ProtocolError('message-syntax', particulars, { wireCode: connectionErrors.badSyntax, offset });
}
