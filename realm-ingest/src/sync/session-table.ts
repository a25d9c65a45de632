/**
 * Who may send what when: the session state machine as data.
 *
 * Source: sync protocol, sections 4.2 and 4.3, with these choices. A new file's ident is computed, not fetched, so there is
 * no state between BIND and the answer to it. UNBIND is answered at once, even while a commit runs: the client ignores
 * acknowledgements once it has sent UNBIND. The uploads of an unbound session are still committed.
 *
 * @module
 */
import type { ClientMessage } from '../protocol/messages.js';

export const sessionStates = [
  /** No session has this ident. */
  'unknown',
  /** BIND was taken, and answered if it asked for an ident. */
  'bound',
  /** IDENT was taken, and its file is being looked up. */
  'identifying',
  /** Uploads are taken. */
  'identified',
  /** An error was sent. Nothing is sent any more, not even UNBOUND. */
  'errored',
] as const;

export type SessionState = (typeof sessionStates)[number];

/** Messages that belong to a session: all but PING, which belongs to the connection. */
export type SessionMessage = Exclude<ClientMessage, { type: 'ping' }>;

/** What the session does with a message. */
export type Reaction =
  /** Act on it; {@link stateAfter} is the next state. */
  | 'take'
  /** Keep it until the look-up is done, then consult the table again. */
  | 'queue'
  /** Ignore it. */
  | 'discard'
  /** Ignore it; the session is over. */
  | 'forget'
  /** The connection ends with code 106, 107 or 109. */
  | 'sync-session-ident'
  | 'sync-session-reuse'
  | 'sync-message-order';

type SessionTable = Readonly<Record<SessionState, Readonly<Record<SessionMessage['type'], Reaction>>>>;

export const sessionTable: SessionTable = {
  unknown: {
    bind: 'take',
    ident: 'sync-session-ident',
    upload: 'sync-session-ident',
    mark: 'sync-session-ident',
    query: 'sync-session-ident',
    json_error: 'sync-session-ident',
    unbind: 'sync-session-ident',
  },
  bound: {
    bind: 'sync-session-reuse',
    ident: 'take',
    upload: 'sync-message-order',
    mark: 'sync-message-order',
    query: 'sync-message-order',
    json_error: 'sync-message-order',
    unbind: 'take',
  },
  identifying: {
    bind: 'sync-session-reuse',
    ident: 'sync-message-order',
    upload: 'queue',
    mark: 'queue',
    query: 'queue',
    json_error: 'queue',
    unbind: 'queue',
  },
  identified: {
    bind: 'sync-session-reuse',
    ident: 'sync-message-order',
    upload: 'take',
    mark: 'take',
    query: 'take',
    json_error: 'take',
    unbind: 'take',
  },
  errored: {
    bind: 'sync-session-reuse',
    ident: 'discard',
    upload: 'discard',
    mark: 'discard',
    query: 'discard',
    json_error: 'discard',
    unbind: 'forget',
  },
};

/**
 * The state after a message is taken; undefined if the state stays. The look-up leads from `identifying` to `identified`.
 * Any error of the session leads to `errored`.
 */
export const stateAfter: Readonly<Record<SessionMessage['type'], SessionState | undefined>> = {
  bind: 'bound',
  ident: 'identifying',
  upload: undefined,
  mark: undefined,
  query: undefined,
  json_error: 'errored',
  unbind: 'unknown',
};
