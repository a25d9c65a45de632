/**
 * MongoDB's driver: an optional peer, loaded when a MongoDB store is opened.
 *
 * @module
 */
import type * as mongodb from 'mongodb';
import { StoreError } from '../store-error.js';

/** `mongodb` 6.13 or later (for signals), or 7. Values go through its own `BSON`: a driver refuses those of another major version. */
export type Driver = typeof mongodb;

export type LoadDriver = () => Promise<Driver>;

/** @throws StoreError `store-driver-missing` if the package is not installed */
export async function loadDriver(load: LoadDriver = () => import('mongodb')): Promise<Driver> {
  try {
    return await load();
  } catch (error) {
    throw new StoreError(
      'store-driver-missing',
      'a MongoDB store needs the package "mongodb" beside realm-ingest: npm install mongodb@7',
      { cause: error, retryable: false },
    );
  }
}
