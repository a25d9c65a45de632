/**
 * Answers of the HTTP API, and how they are written.
 *
 * @module
 */
import { STATUS_CODES, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import { AuthError, type AppServicesErrorCode } from '../auth/auth-error.js';
import { LogThrottle } from '../time/log-throttle.js';
import type { Logger } from '../logger.js';
import { StoreError } from '../store/store-error.js';

/** What a request comes to. */
export interface Answer {
  readonly status: number;
  /** Written as JSON; left out with 204. */
  readonly body?: object;
  readonly headers?: OutgoingHttpHeaders;
}

/** Body of an error answer; App Services API, section 6.1. */
export interface ErrorBody {
  readonly error: string;
  readonly error_code: AppServicesErrorCode;
}

/**
 * To the letter: clients look at the body of an error only if its type is exactly this, without a charset, and drop
 * bodies that have none.
 */
const jsonType = 'application/json';

/**
 * Browsers may call from any origin: no cookie is sent or read, so a page gets nothing that it has no token for.
 * Section 2.
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

/** Writes an answer. Nothing of it may be cached: answers hold tokens. */
export function sendAnswer(response: ServerResponse, { status, body, headers }: Answer): void {
  response.writeHead(status, {
    ...corsHeaders,
    'Cache-Control': 'no-store',
    ...bodyHeaders(body),
    ...headers,
  });
  response.end(body && JSON.stringify(body));
}

/** The same as bytes, for a socket that node:http has given up to an upgrade. It is to be closed afterwards. */
export function encodeAnswer({ status, body }: Answer): string {
  const text = body ? JSON.stringify(body) : '';
  const headers = Object.entries({
    ...bodyHeaders(body),
    'Content-Length': Buffer.byteLength(text),
    Connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${headers.join('')}\r\n${text}`;
}

/** One line a kind and minute: while a store is down, everybody's requests fail, and come again. */
const lineMillis = 60_000;

/** Refusals that the same device meets again and again until somebody mends its configuration, or the server's. */
const lastingRefusals: ReadonlySet<AppServicesErrorCode> = new Set([
  'AppNotFound',
  'AuthError',
  'AuthProviderNotFound',
]);

/** What errors are answered with. What somebody has to mend is logged. */
export class ErrorAnswers {
  readonly #logger: Logger;
  readonly #isClosing: () => boolean;
  readonly #lines = new LogThrottle(lineMillis);

  /** @param isClosing - a store that closes under the last requests has not failed, and nothing is logged of it */
  constructor(logger: Logger, isClosing: () => boolean) {
    this.#logger = logger;
    this.#isClosing = isClosing;
  }

  /** A store that fails, and a fault of our own, are 5xx: clients come again. */
  toAnswer(error: unknown): Answer {
    if (error instanceof AuthError) {
      this.#tellRefusal(error);
      return errorAnswer(error.status, error.errorCode, error.reason);
    }
    if (error instanceof StoreError) {
      this.#tellFailure(error);
      return errorAnswer(503, 'MaintenanceInProgress', 'the store cannot be reached at present');
    }
    this.#logger.error({ err: error }, 'a request failed');
    return errorAnswer(500, 'InternalServerError', 'internal error');
  }

  #tellFailure(error: StoreError): void {
    if (this.#isClosing() && error.isExpectedWhileClosing) return;
    const events = this.#lines.admit(error.code);
    if (events !== undefined) this.#logger.warn({ err: error, events }, 'requests could not be answered');
  }

  #tellRefusal({ errorCode, reason, level }: AuthError): void {
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
