import type { RealmValue } from '../../src/changeset/realm-value.js';
import { insertInstructions } from '../../../test/support/server/insert-instructions.js';
import { encodeChangeset } from '../../../test/support/server/naive-codec.js';

const text = (value: string): RealmValue => ({ type: 'string', value });
const int = (value: number): RealmValue => ({ type: 'int', value: BigInt(value) });

/** A span of an HTTP server, as auto-instrumentation makes them: about 2 KiB on the wire. */
const typicalSpan = new Map<string, RealmValue>([
  ['traceId', text('4bf92f3577b34da6a3ce929d0e0e4736')],
  ['spanId', text('00f067aa0ba902b7')],
  ['parentSpanId', text('53995c3f42cd8ad8')],
  ['flags', int(257)],
  ['name', text('GET /api/orders/:id')],
  ['kind', text('SERVER')],
  ['startTimeUnixNano', int(1_767_323_045_000_000_000)],
  ['endTimeUnixNano', int(1_767_323_045_012_000_000)],
  ['durationNano', int(12_000_000)],
  ['statusCode', text('UNSET')],
  [
    'attributes',
    {
      type: 'dictionary',
      entries: new Map<string, RealmValue>([
        ['http%2Erequest%2Emethod', text('GET')],
        ['http%2Eroute', text('/api/orders/:id')],
        ['http%2Eresponse%2Estatus_code', int(200)],
        ['url%2Epath', text('/api/orders/18446')],
        ['url%2Escheme', text('https')],
        ['server%2Eaddress', text('shop.example.com')],
        ['server%2Eport', int(443)],
        ['client%2Eaddress', text('203.0.113.7')],
        ['network%2Eprotocol%2Eversion', text('1.1')],
        ['user_agent%2Eoriginal', text('Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101')],
      ]),
    },
  ],
  [
    'resource',
    {
      type: 'dictionary',
      entries: new Map<string, RealmValue>([
        ['service%2Ename', text('checkout')],
        ['service%2Eversion', text('3.14.1')],
        ['service%2Einstance%2Eid', text('627cc493-f310-47de-96bd-71410b7dec09')],
        ['host%2Ename', text('kiosk-0815')],
        ['process%2Epid', int(4711)],
        ['telemetry%2Esdk%2Ename', text('opentelemetry')],
        ['telemetry%2Esdk%2Eversion', text('2.12.0')],
      ]),
    },
  ],
]);

/**
 * A changeset of typical spans, at least `bytes` long. Their `_id`s are `prefix`, then their number, from 0 on.
 *
 * @param prefix - 8 bytes
 */
export function largeChangeset(bytes: number, prefix: Uint8Array): { changeset: Buffer; spans: number } {
  // One object is encoded; the others differ from it in their key only.
  const id = Buffer.alloc(12, 0xa5);
  const one = Buffer.from(
    encodeChangeset(
      insertInstructions({
        className: 'Span',
        primaryKey: { type: 'objectId', value: id },
        properties: typicalSpan,
      }),
    ),
  );
  const twice = Buffer.from(
    encodeChangeset(
      [0, 1].flatMap(() =>
        insertInstructions({
          className: 'Span',
          primaryKey: { type: 'objectId', value: id },
          properties: typicalSpan,
        }),
      ),
    ),
  );
  const object = twice.subarray(one.length);
  const places: number[] = [];
  for (let at = object.indexOf(id); at >= 0; at = object.indexOf(id, at + id.length)) places.push(at);
  const spans = Math.max(1, 1 + Math.ceil((bytes - one.length) / object.length));
  const changeset = Buffer.alloc(one.length + (spans - 1) * object.length);
  one.copy(changeset);
  const firstPlaces: number[] = [];
  for (let at = one.indexOf(id); at >= 0; at = one.indexOf(id, at + id.length)) firstPlaces.push(at);
  const write = (offset: number, at: readonly number[], number: number): void => {
    for (const place of at) {
      changeset.set(prefix, offset + place);
      changeset.writeUInt32BE(number, offset + place + 8);
    }
  };
  write(0, firstPlaces, 0);
  for (let number = 1; number < spans; number += 1) {
    const offset = one.length + (number - 1) * object.length;
    object.copy(changeset, offset);
    write(offset, places, number);
  }
  return { changeset, spans };
}
