#!/usr/bin/env node
import { runProgram } from './program.js';

// A reader that goes away is told of by the failed write itself.
process.stdout.on('error', () => undefined);

void runProgram(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
});
