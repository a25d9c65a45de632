/**
 * Reads requests of the HTTP API; App Services API, section 2.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import { AuthError } from '../auth/auth-error.js';

/** A log-in with all device information of an SDK takes less than 2 KiB. */
const maxBodyBytes = 64 * 1024;

/**
 * The JSON of a request's body.
 *
 * @throws AuthError 413 above 64 KiB, 400 if it is not JSON
 */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > maxBodyBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBodyBytes) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof AuthError) throw error;
    throw new AuthError(400, 'BadRequest', 'the request broke off', { cause: error });
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch {
    // Without the cause: the parser's message quotes the text, which may be a password.
    throw new AuthError(400, 'BadRequest', 'the body is not JSON');
  }
}

/** The token of `Authorization: Bearer …`; undefined if there is none. */
export function bearerTokenOf(request: IncomingMessage): string | undefined {
  return /^bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
}

function tooLarge(): AuthError {
  return new AuthError(413, 'BadRequest', `the body is larger than ${maxBodyBytes} bytes`);
}
