import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

/**
 * Mocha's reporter for `scripts/test.mjs`: prints the failures in full, and nothing else. It writes how many tests
 * passed, failed and were skipped, with the reasons, to the file of its option `file`.
 */
export default class Reporter extends Mocha.reporters.Base {
  constructor(runner, options) {
    super(runner, options);
    const skipped = {};
    runner.on('pending', (test) => {
      const reason = reasonOf(test) ?? 'no reason given';
      skipped[reason] = (skipped[reason] ?? 0) + 1;
    });
    runner.once('end', () => {
      if (this.failures.length > 0) Mocha.reporters.Base.list(this.failures);
      const result = { passed: this.stats.passes, failed: this.failures.length, skipped };
      writeFileSync(options.reporterOption.file, JSON.stringify(result));
    });
  }
}

/** The title of a skipped test, or of its suite, says why: see test/support/skip.ts. */
function reasonOf(test) {
  for (let part = test; part !== undefined; part = part.parent) {
    const [, reason] = / \(skipped: (.*)\)$/.exec(part.title) ?? [];
    if (reason !== undefined) return reason;
  }
  return undefined;
}
