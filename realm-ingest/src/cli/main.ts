#!/usr/bin/env node
import { runProgram } from './program.js';

const lingerMillis = 1000;

// The failed write itself reports a closed pipe.
process.stdout.on('error', () => undefined);

void runProgram(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
  // Ends the process even if something still keeps it alive, such as a store that hangs.
  setTimeout(() => process.exit(), lingerMillis).unref();
});
