/**
 * The error codes that this server sends, by their names in the protocol.
 *
 * Left out on purpose: codes without an entry in the translation table of newer clients, whose process they abort
 * (104, 202, 203, 205, 207, 214, 215, 218 to 221, 224; section 7.3); codes that start a client reset, or a
 * migration; and codes unknown to one of the protocol versions that we speak.
 *
 * Source: sync protocol, sections 7.3 and 7.4.
 *
 * @module
 */

/** Codes that concern the connection; they go out with session ident 0. */
export const connectionErrors = {
  connectionClosed: 100,
  otherError: 101,
  unknownMessage: 102,
  badSyntax: 103,
  badSessionIdent: 106,
  reuseOfSessionIdent: 107,
  badMessageOrder: 109,
  badDecompression: 110,
  badChangesetHeader: 111,
  badChangesetSize: 112,
} as const;

/** Codes that concern one live session. */
export const sessionErrors = {
  sessionClosed: 200,
  otherSessionError: 201,
  permissionDenied: 206,
  userMismatch: 223,
  badQuery: 226,
} as const;

export type ConnectionWireCode = (typeof connectionErrors)[keyof typeof connectionErrors];
export type SessionWireCode = (typeof sessionErrors)[keyof typeof sessionErrors];

/** Every code that may stand in a `json_error` of this server. */
export type ErrorWireCode = ConnectionWireCode | SessionWireCode;

const connectionCodes: ReadonlySet<number> = new Set(Object.values(connectionErrors));
const sessionCodes: ReadonlySet<number> = new Set(Object.values(sessionErrors));

/** Which of the two a code concerns; undefined for a code that this server does not send. */
export function scopeOfWireCode(code: number): 'connection' | 'session' | undefined {
  if (connectionCodes.has(code)) return 'connection';
  return sessionCodes.has(code) ? 'session' : undefined;
}
