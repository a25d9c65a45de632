import { IngestError, type ErrorCode } from '../errors.js';
import type { ErrorWireCode } from './wire-codes.js';

interface ProtocolErrorOptions extends ErrorOptions {
  readonly wireCode: ErrorWireCode;
  readonly sessionIdent?: number;
  readonly offset?: number;
}

/** A client's message is refused. Nothing of it was used. */
export class ProtocolError extends IngestError {
  /** The code of the `json_error` for the client; section 7.4. */
  readonly wireCode: ErrorWireCode;
  /** The session, if `wireCode` is a session's. It comes from the message's header: there may be no such session. */
  readonly sessionIdent: number | undefined;
  /** Where in the message, in bytes from its start; in an inflated body, from the body's start. */
  readonly offset: number | undefined;

  constructor(code: ErrorCode, particulars: string, options: ProtocolErrorOptions) {
    super(
      code,
      options.offset === undefined ? particulars : `${particulars} (byte ${options.offset})`,
      options,
    );
    this.wireCode = options.wireCode;
    this.sessionIdent = options.sessionIdent;
    this.offset = options.offset;
  }
}
