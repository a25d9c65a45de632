/** Compiles only if the SDK's types fit ours: the type check is the test. */
import type { App, Realm, User } from 'realm-wasm';
import type { AppLike, RealmConstructor, RealmLike, UserLike } from '../../src/realm/realm-types.js';

type Fits<Ours, Theirs extends Ours> = Theirs;

export type Checks = [
  Fits<RealmConstructor<Realm>, typeof Realm>,
  Fits<RealmLike, Realm>,
  Fits<AppLike, App>,
  Fits<UserLike, User>,
];
