/**
 * The messages of the Device Sync protocol, as values.
 *
 * Source: sync protocol, sections 3.1 (client to server) and 3.2 (server to client).
 *
 * @module
 */
import type { ErrorWireCode } from './wire-codes.js';

/** Protocol versions that realm-ingest speaks. 8 was never a shipped maximum of a client. */
export const protocolVersions = [7, 9, 10, 11, 12, 13, 14] as const;

export type ProtocolVersion = (typeof protocolVersions)[number];

/** BIND: a session begins. */
export interface BindMessage {
  readonly type: 'bind';
  readonly sessionIdent: number;
  /** The JSON of protocol 8 and later, parsed; undefined where nothing was sent. Unknown keys are kept. */
  readonly options: Readonly<Record<string, unknown>> | undefined;
  readonly needClientFileIdent: boolean;
}

/** IDENT of the client: which file this is, and how far it has come. */
export interface ClientIdentMessage {
  readonly type: 'ident';
  readonly sessionIdent: number;
  readonly clientFileIdent: bigint;
  readonly clientFileIdentSalt: bigint;
  readonly scanServerVersion: bigint;
  readonly scanClientVersion: bigint;
  readonly latestServerVersion: bigint;
  readonly latestServerVersionSalt: bigint;
  readonly queryVersion: bigint;
  /** Class name to query; empty for clients of asymmetric classes. */
  readonly query: Readonly<Record<string, string>>;
}

/** QUERY: the subscriptions changed. */
export interface QueryMessage {
  readonly type: 'query';
  readonly sessionIdent: number;
  readonly queryVersion: bigint;
  readonly query: Readonly<Record<string, string>>;
}

/** One changeset within an UPLOAD. */
export interface UploadedChangeset {
  readonly clientVersion: bigint;
  readonly serverVersion: bigint;
  /** Milliseconds since 2015-01-01T00:00:00Z, by the client's clock; negative where that stands before 2015. */
  readonly originTimestamp: bigint;
  /** 0: the client itself. */
  readonly originFileIdent: bigint;
  /** A view into the message, or into what its body inflated to. */
  readonly bytes: Uint8Array;
}

/**
 * UPLOAD: changesets, or none (a progress report). The body stays closed until `readUploadBody` opens it, so that
 * an upload which nobody wants costs no inflating, and its size can be set aside first.
 */
export interface UploadMessage {
  readonly type: 'upload';
  readonly sessionIdent: number;
  readonly progressClientVersion: bigint;
  readonly progressServerVersion: bigint;
  readonly lockedServerVersion: bigint;
  /** Whether `body` is a zlib stream. */
  readonly isCompressed: boolean;
  /** Bytes of the body once inflated, at most `maxMessageBytes`; 0: no changesets. As yet only what the header says. */
  readonly uncompressedBytes: number;
  /** A view into the message. */
  readonly body: Uint8Array;
}

/** MARK: asks for an echo once everything before it has been answered. */
export interface MarkMessage {
  readonly type: 'mark';
  readonly sessionIdent: number;
  readonly requestIdent: bigint;
}

/** UNBIND: the session ends. */
export interface UnbindMessage {
  readonly type: 'unbind';
  readonly sessionIdent: number;
}

/** PING, of the connection. */
export interface PingMessage {
  readonly type: 'ping';
  /** Milliseconds of a monotonic clock of the client's; PONG repeats it. */
  readonly timestamp: bigint;
  readonly rtt: bigint;
}

/** The client could not use what the server sent. */
export interface ClientErrorMessage {
  readonly type: 'json_error';
  readonly sessionIdent: number;
  /** A client's number of its own up to protocol 7, one of the protocol's later. */
  readonly code: number;
  /** At most 1000 characters of what the client says; empty if it says nothing. */
  readonly message: string;
}

export type ClientMessage =
  | BindMessage
  | ClientIdentMessage
  | QueryMessage
  | UploadMessage
  | MarkMessage
  | UnbindMessage
  | PingMessage
  | ClientErrorMessage;

/** IDENT of the server: the client file's new name. */
export interface ServerIdentMessage {
  readonly type: 'ident';
  readonly sessionIdent: number;
  /** 1 to 2^63 - 1. */
  readonly clientFileIdent: bigint;
  /** Not 0, above -2^63. */
  readonly clientFileIdentSalt: bigint;
}

/** What a DOWNLOAD is for; how that is written depends on the protocol version. */
export type DownloadPurpose = 'bootstrap' | 'steady-state';

/** DOWNLOAD: a bootstrap (with one empty changeset), or an acknowledgement (with none). */
export interface DownloadMessage {
  readonly type: 'download';
  readonly sessionIdent: number;
  readonly purpose: DownloadPurpose;
  readonly downloadServerVersion: bigint;
  readonly downloadClientVersion: bigint;
  readonly latestServerVersion: bigint;
  readonly latestServerVersionSalt: bigint;
  readonly uploadClientVersion: bigint;
  readonly uploadServerVersion: bigint;
  readonly queryVersion: bigint;
}

export interface PongMessage {
  readonly type: 'pong';
  readonly timestamp: bigint;
}

export interface UnboundMessage {
  readonly type: 'unbound';
  readonly sessionIdent: number;
}

/** How long a client is to stay away; whole numbers, from 0 on (`multiplier`: from 1 on). */
export interface Backoff {
  readonly intervalSeconds: number;
  readonly maxDelaySeconds: number;
  readonly multiplier: number;
}

/** Actions that are sent; the others of section 7.2 cost clients their data, or are unknown to old ones. */
export type ErrorAction = 'Transient' | 'ApplicationBug' | 'ProtocolViolation';

export interface ServerErrorMessage {
  readonly type: 'json_error';
  /** 0 for codes below 200 (the connection), a live session's ident from 200 on. */
  readonly sessionIdent: number;
  readonly code: ErrorWireCode;
  readonly message: string;
  readonly tryAgain: boolean;
  readonly action: ErrorAction;
  readonly backoff?: Backoff;
}

/** LOG_MESSAGE; protocol 10 and later only. */
export interface LogMessage {
  readonly type: 'log_message';
  /** 0: the connection. */
  readonly sessionIdent: number;
  readonly level: 'fatal' | 'error' | 'warn' | 'info' | 'detail' | 'debug' | 'trace';
  readonly message: string;
  readonly coId: string;
}

export type ServerMessage =
  | ServerIdentMessage
  | DownloadMessage
  | MarkMessage
  | UnboundMessage
  | PongMessage
  | ServerErrorMessage
  | LogMessage;
