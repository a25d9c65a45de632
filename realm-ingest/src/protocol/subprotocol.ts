/**
 * Chooses a connection's protocol version.
 *
 * Source: sync protocol, sections 1 (versions), 2.1 (offers) and 2.4 (refusals).
 *
 * @module
 */
import { protocolVersions, type ProtocolVersion } from './messages.js';

/** Why no protocol was chosen. */
type SubprotocolRefusal =
  'too-many-offers' | 'no-offer' | 'partition-based' | 'client-too-new' | 'client-too-old';

/** The result of {@link chooseProtocol}. */
type ProtocolChoice =
  | {
      readonly chosen: true;
      readonly version: ProtocolVersion;
      /** The offered string, byte for byte: `Sec-WebSocket-Protocol` of the answer must equal it. */
      readonly subprotocol: string;
    }
  | {
      readonly chosen: false;
      readonly reason: SubprotocolRefusal;
      /** Body of the HTTP 400 that refuses the upgrade; older clients search it for these words. Never answer with 101. */
      readonly body: string;
    };

const maxOffersLength = 4096;
const flexibleSyncOffer = /^com\.mongodb\.realm-query-sync[#/](0|[1-9][0-9]{0,3})$/;
const partitionBasedOffer = /^com\.mongodb\.realm-sync[#/]/;

const refusalBodies: Readonly<Record<SubprotocolRefusal, string>> = {
  'too-many-offers': 'Sec-WebSocket-Protocol is too long',
  'no-offer': 'Sec-WebSocket-Protocol offers no Device Sync protocol',
  'partition-based': 'partition-based sync is not served: use flexible sync',
  'client-too-new': 'REALM_SYNC_PROTOCOL_MISMATCH:CLIENT_TOO_NEW',
  'client-too-old': 'REALM_SYNC_PROTOCOL_MISMATCH:CLIENT_TOO_OLD',
};

/**
 * Chooses the client's highest offer, or refuses. Lower offers cannot be chosen: the client writes its messages in its
 * highest version, whatever the server chooses.
 *
 * @param offers - the request's `Sec-WebSocket-Protocol`: `com.mongodb.realm-query-sync#9, …#8`, separated by commas
 *   with or without a space; protocol 7 writes `/` instead of `#`
 */
export function chooseProtocol(offers: string): ProtocolChoice {
  if (offers.length > maxOffersLength) return refuse('too-many-offers');
  let highest: { version: number; subprotocol: string } | undefined;
  let partitionBased = false;
  for (const offer of offers.split(',').map((part) => part.trim())) {
    partitionBased ||= partitionBasedOffer.test(offer);
    const digits = flexibleSyncOffer.exec(offer)?.[1];
    if (digits === undefined) continue;
    const version = Number(digits);
    if (highest === undefined || version > highest.version) highest = { version, subprotocol: offer };
  }
  if (highest === undefined) return refuse(partitionBased ? 'partition-based' : 'no-offer');
  const version = protocolVersions.find((known) => known === highest.version);
  if (version === undefined) {
    return refuse(highest.version > Math.max(...protocolVersions) ? 'client-too-new' : 'client-too-old');
  }
  return { chosen: true, version, subprotocol: highest.subprotocol };
}

function refuse(reason: SubprotocolRefusal): ProtocolChoice {
  return { chosen: false, reason, body: refusalBodies[reason] };
}
