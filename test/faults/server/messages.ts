/**
 * What a test and the process of its server tell each other.
 *
 * @module
 */
import type { StoreFault } from '../scenario.js';

/** What a server is started with. */
export interface ServeSettings {
  readonly appId: string;
  /** URL of the store. */
  readonly store: string;
  readonly accessTokenSeconds: number;
  readonly classes: readonly string[];
  readonly storeFaults: readonly StoreFault[];
  /** Something wrong on purpose, by which the harness itself is tested. */
  readonly lie?: StoreLie;
}

/** A store that does not do what it says. */
export type StoreLie = 'forgets' | 'forgets-all' | 'doubles' | 'alters';

export type Request =
  | { readonly type: 'serve'; readonly settings: ServeSettings }
  | { readonly type: 'stop' }
  | { readonly type: 'read'; readonly store: string; readonly collections: readonly string[] };

/** What a stopped server counted. */
export interface ServerFigures {
  /** Client files that had more acknowledged than the store held: an acknowledgement came before its commit. */
  readonly filesAhead: number;
  /** Documents that came again and were there. */
  readonly duplicates: number;
}

export interface StoreContents {
  /** Documents by collection, each as canonical Extended JSON. */
  readonly documents: Readonly<Record<string, readonly string[]>>;
  /** A line for each dead letter. */
  readonly deadLetters: readonly string[];
}

export type Reply =
  | { readonly type: 'ready' }
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'stopped'; readonly figures: ServerFigures; readonly rssBytes: number }
  | { readonly type: 'contents'; readonly contents: StoreContents }
  | { readonly type: 'failed'; readonly reason: string };

/** Told without having been asked. */
export type Notice =
  /** The first of the store's faults that were left has struck. */
  | { readonly type: 'store-fault' }
  /** The server logged this at `warn` or `error`. */
  | { readonly type: 'log'; readonly line: string };
