#!/usr/bin/env node
import { runProgram } from './program.js';

const lingerMillis = 1000;

// A reader that goes away is told of by the failed write itself.
process.stdout.on('error', () => undefined);

void runProgram(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
  // Where something still holds the process (a store that hangs), it ends all the same.
  setTimeout(() => process.exit(), lingerMillis).unref();
});
