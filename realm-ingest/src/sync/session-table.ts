/**
 * Who may send what when: the session state machine as data.
 *
 * Source: sync protocol, sections 4.2 and 4.3, with these choices. A new file's ident is computed, not fetched, so the
 * state "ident asked and not yet given" does not last and has no row. UNBIND is answered at once, even while a commit
 * runs: the client ignores acknowledgements from the moment it sent it. What an unbound session had uploaded is
 * committed all the same.
 *
 * @module
 */
import type { ClientMessage } from '../protocol/messages.js';

export const sessionStates = [
  /** No session has this ident. */
  'unknown',
  /** BIND was taken, and answered if an ident was asked for. */
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

/** What is done with a message. */
export type Reaction =
  /** What its type asks for; {@link stateAfter} says where that leads. */
  | 'take'
  /** Keep it until the look-up is done, then look here again. */
  | 'queue'
  /** Nothing. */
  | 'discard'
  /** Nothing, and the session is unknown from here on. */
  | 'forget'
  /** Codes 106, 107 and 109: the connection ends. */
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
 * The state that a message leads to when it is taken and nothing is wrong with it; undefined where it stays. From
 * `identifying` the look-up leads on, to `identified`. Whatever is wrong with a session leads to `errored`.
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
