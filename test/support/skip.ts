import type { Context, Suite, Test } from 'mocha';

/**
 * Skips a test, from itself or from a `beforeEach`, or a whole suite from its `before`.
 *
 * The title of a skipped test gives the reason, for the summary of `npm test` (scripts/reporter.mjs).
 */
export function skip(context: Context, why: string): never {
  const { test: running, currentTest } = context;
  const note = (test: Test): void => {
    test.title = skippedTitle(test.title, why);
  };
  if (running?.title.startsWith('"before all" hook') === true) running.parent?.eachTest(note);
  else if (currentTest ?? running) note((currentTest ?? running) as Test);
  return context.skip();
}

/** Declares a suite that is skipped. */
export function describeSkipped(title: string, why: string, suite: (this: Suite) => void): void {
  describe.skip(skippedTitle(title, why), suite);
}

function skippedTitle(title: string, why: string): string {
  return `${title} (skipped: ${why})`;
}
