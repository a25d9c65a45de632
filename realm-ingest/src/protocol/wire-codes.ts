/**
 * The error codes that this server sends, named as in the protocol.
 *
 * Left out on purpose: codes that abort the process of newer clients (104, 202, 203, 205, 207, 214, 215, 218 to 221, 224;
 * section 7.3); codes that start a client reset or a migration; and codes that one of our protocol versions does not know.
 *
 * Source: sync protocol, sections 7.3 and 7.4.
 *
 * @module
 */

/** Codes for the connection, sent with session ident 0. */
export const connectionErrors = {
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

/** Codes for one live session. */
export const sessionErrors = {
  otherSessionError: 201,
  userMismatch: 223,
  badQuery: 226,
} as const;

type ConnectionWireCode = (typeof connectionErrors)[keyof typeof connectionErrors];
type SessionWireCode = (typeof sessionErrors)[keyof typeof sessionErrors];

/** Every code that this server may send in a `json_error`. */
export type ErrorWireCode = ConnectionWireCode | SessionWireCode;

const connectionCodes: ReadonlySet<number> = new Set(Object.values(connectionErrors));
const sessionCodes: ReadonlySet<number> = new Set(Object.values(sessionErrors));

/** The scope of a code; undefined for a code that this server does not send. */
export function scopeOfWireCode(code: number): 'connection' | 'session' | undefined {
  if (connectionCodes.has(code)) return 'connection';
  return sessionCodes.has(code) ? 'session' : undefined;
}
