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

/** How an error goes to the client. `tryAgain` goes with Transient, and only with it (section 7.2). */
interface WireForm {
  readonly wireCode: ErrorWireCode;
  readonly action: ErrorAction;
  readonly backoff?: () => Backoff;
}

/**
 * How long a client stays away. The first delay is random, so that clients that were sent away together do not come
 * back together. It doubles, up to `maxDelaySeconds`, while the error repeats.
 */
function jitteredBackoff(minSeconds: number, maxSeconds: number, maxDelaySeconds: number): Backoff {
  const intervalSeconds = minSeconds + Math.floor(Math.random() * (maxSeconds - minSeconds + 1));
  return { intervalSeconds, maxDelaySeconds, multiplier: 2 };
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
}

/** Whether an error ends one session. All others end the connection. */
export function isSessionError(error: unknown): error is SyncError | ProtocolError {
  const isTyped = error instanceof SyncError || error instanceof ProtocolError;
  return isTyped && scopeOfWireCode(error.wireCode) === 'session';
}

/** What the client is told of an error: a `SyncError` or a `ProtocolError` as it is, others as an internal error. */
export function toServerError(error: unknown, sessionIdent: number): ServerErrorMessage {
  if (!(error instanceof SyncError || error instanceof ProtocolError)) {
    // Particulars of the server's own faults go to the log, not to clients.
    return toServerError(new SyncError('sync-internal', 'the message was not processed'), sessionIdent);
  }
  const ofSession = isSessionError(error);
  const { action, backoff }: { action: ErrorAction; backoff?: Backoff | undefined } =
    error instanceof SyncError ? error : { action: ofSession ? 'ApplicationBug' : 'ProtocolViolation' };
  return {
    type: 'json_error',
    sessionIdent: ofSession ? sessionIdent : 0,
    code: error.wireCode,
    message: error.message,
    tryAgain: action === 'Transient',
    action,
    ...(backoff && { backoff }),
  };
}
