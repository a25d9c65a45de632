import { IngestError } from '../errors.js';

/** A command cannot do what it was asked, because what it was given a name of is not there. */
export class CommandError extends IngestError {}
