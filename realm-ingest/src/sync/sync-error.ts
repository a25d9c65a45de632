/**
 * What may go wrong in a conversation, and how a client is told: the one place that turns errors into `json_error`.
 *
 * Source: sync protocol, sections 4.2, 7 and 11.
 *
 * @module
 */
import { IngestError, type ErrorCode } from '../errors.js';
import type { Backoff, ErrorAction, ServerErrorMessage } from '../protocol/messages.js';
import { ProtocolError } from '../protocol/protocol-error.js';
import {
  connectionErrors,
  scopeOfWireCode,
  sessionErrors,
  type ErrorWireCode,
} from '../protocol/wire-codes.js';
import { jitteredBackoff } from './back-off.js';

/** How an error goes to the client. `tryAgain` goes with Transient, and only with it (section 7.2). */
interface WireForm {
  readonly wireCode: ErrorWireCode;
  readonly action: ErrorAction;
  readonly backoff?: () => Backoff;
}

const wireForms = {
  'sync-session-ident': { wireCode: connectionErrors.badSessionIdent, action: 'ProtocolViolation' },
  'sync-session-reuse': { wireCode: connectionErrors.reuseOfSessionIdent, action: 'ProtocolViolation' },
  'sync-message-order': { wireCode: connectionErrors.badMessageOrder, action: 'ProtocolViolation' },
  'sync-changeset-header': { wireCode: connectionErrors.badChangesetHeader, action: 'ProtocolViolation' },
  'sync-text-frame': { wireCode: connectionErrors.badSyntax, action: 'ProtocolViolation' },
  'sync-overload': {
    wireCode: connectionErrors.otherError,
    action: 'Transient',
    backoff: () => jitteredBackoff(5, 20, 300),
  },
  'sync-shutdown': {
    wireCode: connectionErrors.otherError,
    action: 'Transient',
    backoff: () => jitteredBackoff(2, 8, 60),
  },
  'sync-internal': {
    wireCode: connectionErrors.otherError,
    action: 'Transient',
    backoff: () => jitteredBackoff(30, 90, 900),
  },
  'client-file-mismatch': { wireCode: sessionErrors.userMismatch, action: 'ApplicationBug' },
  'subscription-refused': { wireCode: sessionErrors.badQuery, action: 'ApplicationBug' },
  'message-too-large': { wireCode: sessionErrors.otherSessionError, action: 'ApplicationBug' },
  'client-held-back': {
    wireCode: sessionErrors.otherSessionError,
    action: 'Transient',
    backoff: () => jitteredBackoff(5, 20, 300),
  },
  'upload-failed': {
    wireCode: sessionErrors.otherSessionError,
    action: 'Transient',
    backoff: () => jitteredBackoff(60, 180, 900),
  },
  'client-reported': {
    wireCode: sessionErrors.otherSessionError,
    action: 'Transient',
    backoff: () => jitteredBackoff(60, 180, 900),
  },
} as const satisfies Partial<Record<ErrorCode, WireForm>>;

/** What a session or a connection ends with. */
export type SyncErrorCode = keyof typeof wireForms;

/** A conversation cannot go on. */
export class SyncError extends IngestError {
  /** What the client is told. */
  readonly wireCode: ErrorWireCode;
  readonly action: ErrorAction;
  readonly backoff: Backoff | undefined;

  constructor(code: SyncErrorCode, particulars: string, options?: ErrorOptions) {
    super(code, particulars, options);
    const form: WireForm = wireForms[code];
    this.wireCode = form.wireCode;
    this.action = form.action;
    this.backoff = form.backoff?.();
  }

  /** Whether the whole connection ends with it, or one session. */
  get scope(): 'connection' | 'session' {
    return scopeOfWireCode(this.wireCode) === 'session' ? 'session' : 'connection';
  }
}

/** Any error, as what the client is told: a `SyncError` or a `ProtocolError` itself, others as an internal error. */
export function toServerError(error: unknown, sessionIdent: number): ServerErrorMessage {
  if (error instanceof SyncError) {
    return {
      type: 'json_error',
      sessionIdent: error.scope === 'session' ? sessionIdent : 0,
      code: error.wireCode,
      message: error.message,
      tryAgain: error.action === 'Transient',
      action: error.action,
      ...(error.backoff && { backoff: error.backoff }),
    };
  }
  if (error instanceof ProtocolError) {
    const ofSession = scopeOfWireCode(error.wireCode) === 'session';
    return {
      type: 'json_error',
      sessionIdent: ofSession ? sessionIdent : 0,
      code: error.wireCode,
      message: error.message,
      tryAgain: false,
      action: ofSession ? 'ApplicationBug' : 'ProtocolViolation',
    };
  }
  // What is wrong inside the server is the log's business, not the client's.
  return toServerError(new SyncError('sync-internal', 'the message was not processed'), sessionIdent);
}
