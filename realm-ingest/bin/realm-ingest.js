#!/usr/bin/env node
// In the repository, unlike `dist`, so that npm can link the command before anything is built.
import '../dist/esm/cli/main.js';
