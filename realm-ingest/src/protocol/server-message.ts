/**
 * One typed message → one binary WebSocket message of the server.
 *
 * After a malformed message, clients reconnect in an hour, or crash (sections 5.1, 7.3). So the encoders make the clients'
 * checks first. A failed check is a bug of this server, hence a `RangeError`.
 *
 * Source: sync protocol, sections 3.2, 3.4, 3.5, 5.1 and 7.
 *
 * @module
 */
import { encodeDownload } from './download-message.js';
import { encodeServerError } from './error-message.js';
import { demand, encodeMessage } from './message-bytes.js';
import type { ProtocolVersion, ServerIdentMessage, ServerMessage } from './messages.js';

/**
 * Encodes one message for a protocol version.
 *
 * @throws RangeError if clients would reject the message
 */
export function encodeServerMessage(message: ServerMessage, version: ProtocolVersion): Uint8Array {
  switch (message.type) {
    case 'ident':
      return encodeIdent(message);
    case 'download':
      return encodeDownload(message, version);
    case 'mark':
      demand(message.sessionIdent >= 1, 'mark: the session ident is at least 1');
      return encodeMessage(['mark', message.sessionIdent, message.requestIdent]);
    case 'unbound':
      demand(message.sessionIdent >= 1, 'unbound: the session ident is at least 1');
      return encodeMessage(['unbound', message.sessionIdent]);
    case 'pong':
      return encodeMessage(['pong', message.timestamp]);
    case 'json_error':
      return encodeServerError(message);
  }
}

/** `ident S <file_ident> <salt>\n` */
function encodeIdent({ sessionIdent, clientFileIdent, clientFileIdentSalt }: ServerIdentMessage): Uint8Array {
  const max = 2n ** 63n - 1n;
  demand(sessionIdent >= 1, 'ident: the session ident is at least 1');
  demand(clientFileIdent >= 1n && clientFileIdent <= max, 'ident: the file ident is from 1 to 2^63 - 1');
  demand(
    clientFileIdentSalt >= -max && clientFileIdentSalt <= max && clientFileIdentSalt !== 0n,
    'ident: the salt is from -(2^63 - 1) to 2^63 - 1, not 0',
  );
  return encodeMessage(['ident', sessionIdent, clientFileIdent, clientFileIdentSalt]);
}
