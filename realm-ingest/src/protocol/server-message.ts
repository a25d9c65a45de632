/**
 * One typed message → one binary WebSocket message of the server's.
 *
 * Clients meet a malformed message with a reconnect in an hour, or with a crash (sections 5.1, 7.3): so whatever they
 * check is checked here first. A message that fails is a fault of this server's, hence a `RangeError`.
 *
 * Source: sync protocol, sections 3.2, 3.4, 3.5, 5.1 and 7.
 *
 * @module
 */
import { encodeDownload } from './download-message.js';
import { encodeServerError } from './error-message.js';
import { demand, encodeMessage } from './message-bytes.js';
import type { LogMessage, ProtocolVersion, ServerIdentMessage, ServerMessage } from './messages.js';

/**
 * Encodes one message in the form that a version's clients read.
 *
 * @throws RangeError if the message is one that clients would not survive, or that its version does not have
 */
export function encodeServerMessage(message: ServerMessage, version: ProtocolVersion): Uint8Array {
  switch (message.type) {
    case 'ident':
      return encodeIdent(message);
    case 'download':
      return encodeDownload(message, version);
    case 'mark':
      demand(message.sessionIdent >= 1, 'mark: session ident from 1 on');
      return encodeMessage(['mark', message.sessionIdent, message.requestIdent]);
    case 'unbound':
      demand(message.sessionIdent >= 1, 'unbound: session ident from 1 on');
      return encodeMessage(['unbound', message.sessionIdent]);
    case 'pong':
      return encodeMessage(['pong', message.timestamp]);
    case 'json_error':
      return encodeServerError(message);
    case 'log_message':
      return encodeLogMessage(message, version);
  }
}

/** `ident S <file_ident> <salt>\n` */
function encodeIdent({ sessionIdent, clientFileIdent, clientFileIdentSalt }: ServerIdentMessage): Uint8Array {
  const max = 2n ** 63n - 1n;
  demand(sessionIdent >= 1, 'ident: session ident from 1 on');
  demand(clientFileIdent >= 1n && clientFileIdent <= max, 'ident: file ident from 1 to 2^63 - 1');
  demand(
    clientFileIdentSalt >= -max && clientFileIdentSalt <= max && clientFileIdentSalt !== 0n,
    'ident: salt from -(2^63 - 1) to 2^63 - 1, not 0',
  );
  return encodeMessage(['ident', sessionIdent, clientFileIdent, clientFileIdentSalt]);
}

/** `log_message S <size>\n` + JSON, whose keys are all required */
function encodeLogMessage(message: LogMessage, version: ProtocolVersion): Uint8Array {
  demand(version >= 10, 'log_message: protocol 10 or later');
  const body = JSON.stringify({ level: message.level, msg: message.message, co_id: message.coId });
  return encodeMessage(['log_message', message.sessionIdent], body);
}
