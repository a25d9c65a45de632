/** Counts the spans that end in this process, to compare with those stored. */
export class SpanCounter {
  ended = 0;

  onStart() {}

  onEnd() {
    this.ended++;
  }

  async forceFlush() {}

  async shutdown() {}
}

/** Counts the log records emitted in this process, to compare with those stored. */
export class LogRecordCounter {
  emitted = 0;

  enabled() {
    return true;
  }

  onEmit() {
    this.emitted++;
  }

  async forceFlush() {}

  async shutdown() {}
}
