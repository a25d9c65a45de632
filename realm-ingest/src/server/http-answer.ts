/**
 * Answers of the HTTP API.
 *
 * @module
 */
import { STATUS_CODES, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import { AuthError, type AppServicesErrorCode } from '../auth/auth-error.js';
import { LogThrottle } from '../time/log-throttle.js';
import type { Logger } from '../logger.js';
import { StoreError } from '../store/store-error.js';

/** The answer to a request. */
export interface Answer {
  readonly status: number;
  /** Written as JSON; absent with 204. */
  readonly body?: object;
  readonly headers?: OutgoingHttpHeaders;
}

/** Body of an error answer; App Services API, section 6.1. */
export interface ErrorBody {
  readonly error: string;
  readonly error_code: AppServicesErrorCode;
}

/**
 * Clients read the body of an error only if its type is exactly this, without a charset.
 */
const jsonType = 'application/json';

/**
 * Browsers may call from any origin. There are no cookies, so a page gets only what it has a token for. Section 2.
 */
const corsHeaders: OutgoingHttpHeaders = { 'Access-Control-Allow-Origin': '*' };

/** Answer to a browser's preflight request. */
export const preflightAnswer: Answer = {
  status: 204,
  headers: {
    'Access-Control-Allow-Methods': 'GET, POST, PUT, DELETE, OPTIONS',
    'Access-Control-Allow-Headers': 'authorization, content-type, accept',
    'Access-Control-Max-Age': '86400',
  },
};

/** Writes an answer. It must not be cached: answers contain tokens. */
export function sendAnswer(response: ServerResponse, { status, body, headers }: Answer): void {
  response.writeHead(status, {
    ...corsHeaders,
    'Cache-Control': 'no-store',
    ...bodyHeaders(body),
    ...headers,
  });
  response.end(body && JSON.stringify(body));
}

/** The same as text, for the socket of an upgrade request. The caller closes it afterwards. */
export function encodeAnswer({ status, body }: Answer): string {
  const text = body ? JSON.stringify(body) : '';
  const headers = Object.entries({
    ...bodyHeaders(body),
    'Content-Length': Buffer.byteLength(text),
    Connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${headers.join('')}\r\n${text}`;
}

/** At most one line of a kind in this time: while the store is down, all requests fail and are repeated. */
const lineMillis = 60_000;

/** Refusals that a device meets again until somebody changes its configuration or the server's. */
const lastingRefusals: ReadonlySet<AppServicesErrorCode> = new Set([
  'AppNotFound',
  'AuthError',
  'AuthProviderNotFound',
]);

/** Turns errors into answers, and logs those that somebody has to act on. */
export class ErrorAnswers {
  readonly #logger: Logger;
  readonly #isClosing: () => boolean;
  readonly #lines = new LogThrottle(lineMillis);

  /** @param isClosing - whether the server closes: then a closed store is not logged as a failure */
  constructor(logger: Logger, isClosing: () => boolean) {
    this.#logger = logger;
    this.#isClosing = isClosing;
  }

  /** Failures of the store and our own faults are 5xx: clients retry. */
  toAnswer(error: unknown): Answer {
    if (error instanceof AuthError) {
      this.#logRefusal(error);
      return errorAnswer(error.status, error.errorCode, error.reason);
    }
    if (error instanceof StoreError) {
      this.#logFailure(error);
      return errorAnswer(503, 'MaintenanceInProgress', 'the store cannot be used now');
    }
    this.#logger.error({ err: error }, 'a request failed with an exception');
    return errorAnswer(500, 'InternalServerError', 'internal error');
  }

  #logFailure(error: StoreError): void {
    if (this.#isClosing() && error.isExpectedWhileClosing) return;
    const events = this.#lines.admit(error.code);
    if (events !== undefined)
      this.#logger.warn({ err: error, events }, 'requests failed: the store cannot be used');
  }

  #logRefusal({ errorCode, reason, level }: AuthError): void {
    if (!lastingRefusals.has(errorCode)) return;
    const events = this.#lines.admit(errorCode);
    if (events !== undefined) this.#logger[level]({ reason, events }, 'a device was refused');
  }
}

export function errorAnswer(status: number, errorCode: AppServicesErrorCode, reason: string): Answer {
  const body: ErrorBody = { error: reason, error_code: errorCode };
  return { status, body };
}

function bodyHeaders(body: object | undefined): Record<string, string> {
  return body ? { 'Content-Type': jsonType } : {};
}
