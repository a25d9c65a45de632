/**
 * Names of what passes between a client and realm-ingest, one for each thing that a fault can be placed at.
 *
 * @module
 */

/** What the client asks over HTTP; its answer is `… answer`. */
export const requestKinds = [
  'location',
  'log-in',
  'profile',
  'session',
  'log-out',
  'upgrade',
  'other',
] as const;

export type RequestKind = (typeof requestKinds)[number];

/** Messages of the sync protocol that a client sends; the field's own names, those of empty UPLOADs apart. */
export const clientMessages = [
  'BIND',
  'IDENT',
  'UPLOAD',
  'progress report',
  'MARK',
  'QUERY',
  'UNBIND',
  'PING',
  'client error',
] as const;

/** Messages of the sync protocol that the server sends. */
export const serverMessages = [
  'file ident',
  'bootstrap',
  'acknowledgement',
  'MARK answer',
  'UNBOUND',
  'PONG',
  'server error',
] as const;

export type MessageKind =
  | `${RequestKind} request`
  | `${RequestKind} answer`
  | (typeof clientMessages)[number]
  | (typeof serverMessages)[number]
  /** WebSocket's own PING, PONG and CLOSE, and unknown messages. */
  | 'client frame'
  | 'server frame';

/** @param head - the request line and more */
export function kindOfRequest(head: string): RequestKind {
  const [method, target = ''] = head.split(' ', 2);
  const path = target.split('?', 1)[0] ?? '';
  if (path.endsWith('/realm-sync')) return 'upgrade';
  if (path.endsWith('/location')) return 'location';
  if (path.endsWith('/login')) return 'log-in';
  if (path.endsWith('/auth/profile')) return 'profile';
  if (path.endsWith('/auth/session')) return method === 'DELETE' ? 'log-out' : 'session';
  return 'other';
}

/** @param header - the text before the first line feed of a binary message */
export function kindOfClientMessage(header: string): MessageKind {
  const [type = '', ...fields] = header.split(' ');
  switch (type) {
    case 'bind':
      return 'BIND';
    case 'ident':
      return 'IDENT';
    case 'upload':
      return fields[2] === '0' ? 'progress report' : 'UPLOAD';
    case 'mark':
      return 'MARK';
    case 'query':
      return 'QUERY';
    case 'unbind':
      return 'UNBIND';
    case 'ping':
      return 'PING';
    case 'json_error':
      return 'client error';
    default:
      return 'client frame';
  }
}

/** @param header - the text before the first line feed of a binary message */
export function kindOfServerMessage(header: string): MessageKind {
  const [type = '', ...fields] = header.split(' ');
  switch (type) {
    case 'ident':
      return 'file ident';
    case 'download':
      return fields[11] === '0' ? 'acknowledgement' : 'bootstrap'; // uncompressed_size
    case 'mark':
      return 'MARK answer';
    case 'unbound':
      return 'UNBOUND';
    case 'pong':
      return 'PONG';
    case 'json_error':
      return 'server error';
    default:
      return 'server frame';
  }
}
