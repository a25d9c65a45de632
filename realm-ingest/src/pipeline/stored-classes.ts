import { classNamesFor, InvalidOptionError } from 'opentelemetry-exporter-realm/wire';
import {
  resolveCollectionNames,
  type CollectionNames,
  type StoredClasses,
} from '../store/collection-names.js';

/**
 * Checks the options that say what is stored: names that Realm takes for classes and MongoDB for collections, and that are
 * not the server's own.
 *
 * @returns their collections
 * @throws InvalidOptionError for the first option that is not usable
 */
export function checkStoredClasses(options: StoredClasses): CollectionNames {
  classNamesFor(options.classPrefix);
  for (const name of options.classes ?? []) {
    const usable =
      typeof name === 'string' &&
      Buffer.byteLength(name) <= 57 &&
      /^(?!system\.|realm_ingest\.)[^$\0]+$/.test(name);
    if (!usable) {
      throw new InvalidOptionError('classes', name, 'names of Realm classes: at most 57 bytes, without $');
    }
  }
  return resolveCollectionNames(options);
}
