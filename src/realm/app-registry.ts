import type { NativeApp, NativeAppConfiguration, NativeRealmConstructor } from './realm-types.js';
import { withoutTracing } from '../suppression.js';

/** Every App of ours in this process, for every build of the package. */
const registryKey = Symbol.for('opentelemetry-exporter-realm.apps');

interface Registry {
  readonly apps: Map<string, NativeApp>;
  count: number;
}

/**
 * Gives the App whose metadata is in a directory. The same arguments give the same App.
 *
 * Realm 12.9 and later have one App for each pair of id and base URL in a process, whatever the directory and `fetch`: the
 * app's own App would become ours, or ours the app's. So each App of ours has a different spelling of its base URL, with
 * leading zeros before the port, which URL parsers ignore.
 *
 * @param directory - the key of the App, and its `baseFilePath` if that is given
 * @throws whatever Realm throws
 */
export function openApp(
  Realm: NativeRealmConstructor,
  directory: string,
  config: NativeAppConfiguration & { readonly baseUrl: string },
): NativeApp {
  const shared = globalThis as { [registryKey]?: WeakMap<object, Registry> | undefined };
  const registries = (shared[registryKey] ??= new WeakMap());
  const registry = registries.get(Realm) ?? { apps: new Map<string, NativeApp>(), count: 0 };
  registries.set(Realm, registry);
  const key = JSON.stringify([config.id, config.baseUrl, directory]);
  const known = registry.apps.get(key);
  if (known !== undefined) return known;
  registry.count += 1;
  const baseUrl = respellUrl(config.baseUrl, registry.count);
  const app = withoutTracing(() => new Realm.App({ ...config, baseUrl }));
  registry.apps.set(key, app);
  return app;
}

/** The same origin, with leading zeros before the port. */
export function respellUrl(baseUrl: string, zeros: number): string {
  const { protocol, hostname, port } = new URL(baseUrl);
  const defaultPort = protocol === 'https:' ? '443' : '80';
  return `${protocol}//${hostname}:${'0'.repeat(zeros)}${port === '' ? defaultPort : port}`;
}
