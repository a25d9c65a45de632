/**
 * The limits of documents, in every store: those of MongoDB.
 *
 * @module
 */
import { isMap, type BsonWrapper, type Document, type DocumentValue } from './document.js';
import type { DeadLetterReason } from './store.js';

/** Size limit of a document, in bytes of BSON. */
export const maxDocumentBytes = 16 * 1024 * 1024;

/**
 * Depth limit of a document. As in MongoDB's manual, every object and every array is a level, and the document itself is
 * the first.
 */
const maxDocumentDepth = 100;

/** Why a document can never be stored. */
export interface Unstorable {
  readonly reason: Extract<DeadLetterReason, 'too-large' | 'too-deep' | 'unstorable-value'>;
  /** What is wrong, and where. */
  readonly detail: string;
}

/**
 * The size of a document in bytes of BSON, or why it can never be stored: it is too large or too deep, a field's name
 * contains NUL or a lone surrogate, a string contains a lone surrogate, an integer is beyond 64 bits, a Date is invalid, or
 * `_id` is missing or an array.
 *
 * Every store has the same limits, so that documents can move between stores.
 */
export function measureDocument(document: Document): number | Unstorable {
  try {
    const id = document._id;
    if (id === undefined) refuse('unstorable-value', 'there is no _id');
    if (Array.isArray(id)) refuse('unstorable-value', '_id is an array');
    const bytes = sizeOf(document, 1);
    if (bytes > maxDocumentBytes) {
      refuse('too-large', `${bytes} bytes of BSON; at most ${maxDocumentBytes} can be stored`);
    }
    return bytes;
  } catch (error) {
    if (error instanceof Refusal) return { reason: error.reason, detail: error.message };
    throw error;
  }
}

/**
 * The size of a document in bytes of BSON.
 *
 * @throws TypeError for a document that {@link measureDocument} refuses for another reason than its size
 */
export function documentSize(document: Document): number {
  try {
    return sizeOf(document, 1);
  } catch (error) {
    throw error instanceof Refusal ? new TypeError(error.message) : error;
  }
}

class Refusal extends Error {
  constructor(
    readonly reason: Unstorable['reason'],
    detail: string,
  ) {
    super(detail);
  }
}

function refuse(reason: Unstorable['reason'], detail: string): never {
  throw new Refusal(reason, detail);
}

/**
 * Bytes of BSON. Not with `calculateObjectSize` of `bson`, which mistakes a map with a user's field `_bsontype` for a BSON
 * value.
 */
function sizeOf(value: DocumentValue, depth: number): number {
  if (value === null) return 0;
  if (typeof value === 'boolean') return 1;
  if (typeof value === 'string') return 4 + sizeOfString(value, 'a string') + 1;
  if (typeof value === 'bigint') {
    if (BigInt.asIntN(64, value) !== value) refuse('unstorable-value', 'an integer beyond 64 bits');
    return 8;
  }
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) refuse('unstorable-value', 'an invalid date');
    return 8;
  }
  if (Array.isArray(value) || isMap(value)) return sizeOfContainer(value as Document, depth);
  return sizeOfWrapper(value as BsonWrapper);
}

function sizeOfWrapper(value: BsonWrapper): number {
  switch (value._bsontype) {
    case 'Int32':
      return 4;
    case 'Double':
      return 8;
    case 'ObjectId':
      return 12;
    case 'Decimal128':
      return 16;
    case 'Binary':
      // Subtype 2 repeats the length inside.
      return 5 + value.length() + (value.sub_type === 2 ? 4 : 0);
    default:
      return refuse('unstorable-value', 'a value of no BSON type');
  }
}

/** Also for an array: BSON writes its indexes as names. */
function sizeOfContainer(fields: Document, depth: number): number {
  if (depth > maxDocumentDepth) {
    refuse('too-deep', `nested more than ${maxDocumentDepth} levels deep`);
  }
  let bytes = 5;
  for (const [name, value] of Object.entries(fields)) {
    if (name.includes('\0'))
      refuse('unstorable-value', `a field's name contains NUL: ${JSON.stringify(name)}`);
    bytes += 2 + sizeOfString(name, "a field's name") + sizeOf(value, depth + 1);
  }
  return bytes;
}

const loneSurrogate = /\p{Surrogate}/u;

function sizeOfString(text: string, what: string): number {
  if (loneSurrogate.test(text)) {
    refuse('unstorable-value', `${what} contains a lone surrogate: ${JSON.stringify(text.slice(0, 100))}`);
  }
  return Buffer.byteLength(text);
}
