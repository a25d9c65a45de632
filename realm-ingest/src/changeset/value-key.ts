import type { GlobalKey } from './instruction.js';
import type { RealmScalar } from './realm-value.js';

/** A text that is equal for equal values and keys, and different for different values and keys. */
export function valueKey(value: RealmScalar | GlobalKey): string {
  switch (value.type) {
    case 'null':
      return value.type;
    case 'int':
    case 'bool':
    case 'string':
    case 'float':
    case 'double':
      return `${value.type} ${value.value}`;
    case 'timestamp':
      return `${value.type} ${value.seconds} ${value.nanoseconds}`;
    case 'binary':
    case 'decimal128':
    case 'objectId':
    case 'uuid':
      return `${value.type} ${latin1(value.value)}`;
    case 'link':
      return `${value.type} ${JSON.stringify(value.className)} ${valueKey(value.primaryKey)}`;
    case 'globalKey':
      return `${value.type} ${value.high} ${value.low}`;
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
