import type { Context, Test } from 'mocha';

/**
 * Skips a test, from itself or from a `beforeEach`, or a whole suite from its `before`; the titles in the report say why.
 */
export function skip(context: Context, why: string): never {
  const { test: running, currentTest } = context;
  const note = (test: Test): void => {
    test.title += ` (skipped: ${why})`;
  };
  if (running?.title.startsWith('"before all" hook') === true) running.parent?.eachTest(note);
  else if (currentTest ?? running) note((currentTest ?? running) as Test);
  return context.skip();
}
