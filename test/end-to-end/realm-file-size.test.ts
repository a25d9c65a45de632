import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { RealmFileGauge } from '../../src/disk/realm-file-gauge.js';
import { eventually } from '../support/eventually.js';
import { describeKotlin, nextSecond } from '../support/kotlin-suite.js';

const MiB = 2 ** 20;

/**
 * What the exporters' limit relies on, seen in real files: they grow in small steps, keep their size once everything is
 * acknowledged, and have room in them then, which the gauge knows.
 */
// One version is enough: they differ in what they send, not in how files grow (seen with both).
describeKotlin(
  'the file of a native client',
  { stores: 'SQLite', protocol: 14 },
  ({ site, start, stored }) => {
    it('grows by a megabyte at a time, and uses again what was acknowledged', async () => {
      const directory = join(site.scratch.path, 'device');
      const environment = {
        CLIENT_DIR: directory,
        CLIENT_PRINT: 'commit',
        CLIENT_BATCH: '50',
        CLIENT_PAUSE_MS: '10',
        CLIENT_TIMEOUT: '120',
      };
      const fileBytes = (): number =>
        statSync(join(directory, 'client.realm'), { throwIfNoEntry: false })?.size ?? 0;
      let unsentBytes = 0;
      const gauge = new RealmFileGauge({ fileBytes, recordBytes: () => unsentBytes });

      /** Writes `count` objects, all but the first ones offline, then delivers them. @returns the sizes of the file */
      const run = async (count: number): Promise<Set<number>> => {
        const sizes = new Set<number>();
        const client = start(count, environment);
        let isCut = false;
        await eventually(
          'objects written',
          () => {
            const { lines } = client;
            sizes.add(fileBytes());
            unsentBytes = lines.reduce((bytes, line) => bytes + line.length, 0);
            gauge.observe();
            if (lines.length > 0 && !isCut) {
              site.network.cut();
              isCut = true;
            }
            return lines.length;
          },
          (lines) => lines >= count,
          120_000,
        );
        site.network.connectTo(site.server.url);
        assert.equal(await client.exit, 0, client.errors());
        unsentBytes = 0;
        gauge.observe();
        return sizes;
      };

      const sizes = [...(await run(1500))].sort((a, b) => a - b);
      const largest = fileBytes();
      assert.ok(largest > MiB, `${largest}`);
      for (const [place, size] of sizes.entries()) {
        const before = sizes[place - 1] ?? size;
        // Several steps may lie between two looks.
        assert.equal(before < MiB ? 0 : (size - before) % MiB, 0, sizes.join());
      }
      assert.ok(gauge.roomBytes(0) > 0, 'there is room in it');

      await nextSecond();
      await run(700);
      assert.equal((await stored()).length, 2200);
      assert.ok(fileBytes() <= largest, `${fileBytes()} after ${largest}`);
    });
  },
);
