/**
 * The messages of the Device Sync protocol, as values.
 *
 * Source: sync protocol, sections 3.1 (client to server) and 3.2 (server to client).
 *
 * @module
 */
import type { ErrorWireCode } from './wire-codes.js';

/** Protocol versions that realm-ingest speaks. No released client has 8 as its highest version. */
export const protocolVersions = [7, 9, 10, 11, 12, 13, 14] as const;

export type ProtocolVersion = (typeof protocolVersions)[number];

/** BIND: a session begins. */
export interface BindMessage {
  readonly type: 'bind';
  readonly sessionIdent: number;
  /** The parsed JSON of protocol 8 and later; undefined if the client sent none. Unknown keys are kept. */
  readonly options: Readonly<Record<string, unknown>> | undefined;
  readonly needClientFileIdent: boolean;
}

/** IDENT of the client: the client file and its progress. */
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
  /** Class name → query; empty for clients with asymmetric classes only. */
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
  /** Milliseconds since 2015-01-01T00:00:00Z by the client's clock; negative if that is before 2015. */
  readonly originTimestamp: bigint;
  /** 0: the client itself. */
  readonly originFileIdent: bigint;
  /** A view of the message, or of its inflated body. */
  readonly bytes: Uint8Array;
}

/**
 * UPLOAD: changesets, or none (a progress report). `readUploadBody` parses the body later, so that a refused upload is
 * never inflated, and memory for its inflated size can be reserved first.
 */
export interface UploadMessage {
  readonly type: 'upload';
  readonly sessionIdent: number;
  readonly progressClientVersion: bigint;
  readonly progressServerVersion: bigint;
  readonly lockedServerVersion: bigint;
  /** Whether `body` is a zlib stream. */
  readonly isCompressed: boolean;
  /** Bytes of the inflated body as announced, at most `maxMessageBytes`; 0: no changesets. */
  readonly uncompressedBytes: number;
  /** A view of the message. */
  readonly body: Uint8Array;
}

/** MARK: asks for an echo after everything before it is answered. */
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
  /** Milliseconds of the client's monotonic clock; PONG repeats it. */
  readonly timestamp: bigint;
  readonly rtt: bigint;
}

/** The client rejects a message of the server. */
export interface ClientErrorMessage {
  readonly type: 'json_error';
  readonly sessionIdent: number;
  /** Up to protocol 7 a number of the client's own; later a code of the protocol. */
  readonly code: number;
  /** At most 1000 characters of the client's text; empty if there is none. */
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

/** IDENT of the server: the client file's new ident. */
export interface ServerIdentMessage {
  readonly type: 'ident';
  readonly sessionIdent: number;
  /** 1 to 2^63 - 1. */
  readonly clientFileIdent: bigint;
  /** Not 0, above -2^63. */
  readonly clientFileIdentSalt: bigint;
}

/** The purpose of a DOWNLOAD; its encoding depends on the protocol version. */
type DownloadPurpose = 'bootstrap' | 'steady-state';

/** DOWNLOAD: a bootstrap with one empty changeset, or an acknowledgement without changesets. */
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

interface PongMessage {
  readonly type: 'pong';
  readonly timestamp: bigint;
}

interface UnboundMessage {
  readonly type: 'unbound';
  readonly sessionIdent: number;
}

/** How long the client must wait; whole numbers from 0 (`multiplier`: from 1). */
export interface Backoff {
  readonly intervalSeconds: number;
  readonly maxDelaySeconds: number;
  readonly multiplier: number;
}

/** Actions that are sent. Others of section 7.2 make clients lose data, or are unknown to old clients. */
export type ErrorAction = 'Transient' | 'ApplicationBug' | 'ProtocolViolation';

export interface ServerErrorMessage {
  readonly type: 'json_error';
  /** 0 for codes below 200 (the connection); from 200 the ident of a live session. */
  readonly sessionIdent: number;
  readonly code: ErrorWireCode;
  readonly message: string;
  readonly tryAgain: boolean;
  readonly action: ErrorAction;
  readonly backoff?: Backoff;
}

export type ServerMessage =
  ServerIdentMessage | DownloadMessage | MarkMessage | UnboundMessage | PongMessage | ServerErrorMessage;
