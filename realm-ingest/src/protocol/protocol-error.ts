import { IngestError, type ErrorCode } from '../errors.js';
import type { ErrorWireCode } from './wire-codes.js';

/** Particulars of a {@link ProtocolError}. */
export interface ProtocolErrorOptions extends ErrorOptions {
  readonly wireCode: ErrorWireCode;
  readonly sessionIdent?: number;
  readonly offset?: number;
}

/** A message of a client's that cannot be taken. Nothing of it was used. */
export class ProtocolError extends IngestError {
  /** The code for the `json_error` that tells the client; section 7.4. */
  readonly wireCode: ErrorWireCode;
  /** The session to tell, where `wireCode` is a session's; taken from the header, so it may be none that lives. */
  readonly sessionIdent: number | undefined;
  /** Where in the message it went wrong, in bytes from its start; within an inflated body, from the body's start. */
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
