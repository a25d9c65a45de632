/**
 * The JSON body of some messages, parsed within limits.
 *
 * @module
 */
import { ProtocolError } from './protocol-error.js';
import { connectionErrors } from './wire-codes.js';

/** Clients send some dozens of bytes, and more only in a QUERY with subscriptions, which we refuse. */
const maxJsonBytes = 1 << 20;
const maxJsonDepth = 16;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Parses a JSON object.
 *
 * @param bytes - UTF-8; at most 1 MiB, nested at most 16 deep
 * @param offset - where they begin in the message
 * @param context - the message's type, for the error's text
 * @throws {@link ProtocolError} with wire code 103
 */
export function parseJsonObject(bytes: Uint8Array, offset: number, context: string): Record<string, unknown> {
  if (bytes.length > maxJsonBytes) throw error(`${bytes.length} bytes, at most ${maxJsonBytes} are allowed`);
  let value: unknown;
  try {
    const text = utf8.decode(bytes);
    if (depthOf(text) > maxJsonDepth) throw new RangeError(`nested more than ${maxJsonDepth} deep`);
    value = JSON.parse(text);
  } catch (cause) {
    throw error(cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw error('not an object');
  return value as Record<string, unknown>;

  function error(particulars: string, cause?: unknown): ProtocolError {
    return new ProtocolError('message-syntax', `JSON of ${context}: ${particulars}`, {
      wireCode: connectionErrors.badSyntax,
      offset,
      cause,
    });
  }
}

/** The nesting depth of a JSON text; brackets inside strings do not count. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (inString) {
      if (character === '\\') at++;
      else if (character === '"') inString = false;
    } else if (character === '"') {
      inString = true;
    } else if (character === '{' || character === '[') {
      deepest = Math.max(deepest, ++depth);
    } else if (character === '}' || character === ']') {
      depth--;
    }
  }
  return deepest;
}
