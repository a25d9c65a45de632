import Realm, { BSON, endSessions } from './engine/realm.mjs';

/** A Realm that one app has open, and what tests do with it. */
export interface Device {
  readonly app: Realm.AnyApp;
  readonly user: Realm.User;
  readonly realm: Realm;
  /** What sync told the app of: every one is something that the app would have to deal with. */
  readonly errors: readonly Error[];
  /** One transaction. */
  write(className: string, ...objects: Record<string, unknown>[]): void;
  /** Writes an object of nothing but its `_id` every five milliseconds. @returns a function that ends it: how many it were */
  keepWriting(className: string): () => number;
  /** Resolves when the server has acknowledged all. */
  uploaded(timeoutMillis?: number): Promise<void>;
  /** Closes the Realm. Its session stays alive for a while; it is what keeps the WebAssembly engine's file. */
  close(): void;
}

export interface DeviceOptions {
  readonly baseUrl: string;
  readonly appId: string;
  readonly schema: Realm.ObjectSchema[];
  /** Default: a new anonymous user. */
  readonly credentials?: Realm.AnyCredentials;
}

const opened = new Set<Realm>();

/** Logs in and opens a Realm through the real engine, as an app does. */
export async function openDevice({ baseUrl, appId, schema, credentials }: DeviceOptions): Promise<Device> {
  const app = new Realm.App({ id: appId, baseUrl });
  const user = await app.logIn(credentials ?? Realm.Credentials.anonymous(false));
  return open({ app, user, schema });
}

/** Opens another Realm of a device's user. */
export async function openRealm(
  { app, user }: Device,
  path: string,
  schema: Realm.ObjectSchema[],
): Promise<Device> {
  return open({ app, user, schema, path });
}

async function open({
  app,
  user,
  schema,
  path,
}: Pick<Device, 'app' | 'user'> & {
  readonly schema: Realm.ObjectSchema[];
  readonly path?: string;
}): Promise<Device> {
  const errors: Error[] = [];
  const realm = await Realm.open({
    schema,
    ...(path !== undefined && { path }),
    sync: {
      user,
      flexible: true,
      onError(_session, error) {
        errors.push(error);
      },
    },
  });
  opened.add(realm);
  const write = (className: string, ...objects: Record<string, unknown>[]): void => {
    realm.write(() => {
      for (const object of objects) realm.create(className, object);
    });
  };
  return {
    app,
    user,
    realm,
    errors,
    write,
    keepWriting(className) {
      let written = 0;
      const timer = setInterval(() => {
        write(className, { _id: new BSON.ObjectId() });
        written += 1;
      }, 5);
      return () => {
        clearInterval(timer);
        return written;
      };
    },
    async uploaded(timeoutMillis = 60_000) {
      await realm.syncSession?.uploadAllLocalChanges(timeoutMillis);
    },
    close() {
      opened.delete(realm);
      realm.close();
    },
  };
}

/** Ends the sessions of every device and exporter; the engine would go on dialling their servers until the process ends. */
export function closeDevices(): void {
  for (const realm of opened) {
    realm.syncSession?.pause();
    realm.close();
  }
  opened.clear();
  endSessions();
}
