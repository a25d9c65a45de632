import { paint } from './paint.mjs';

const bar = 30;

/** A progress line: redrawn in place on a terminal, printed once at the end otherwise. */
export class Progress {
  #label;
  #total;
  #done = 0;
  #failed = 0;

  constructor(label, total) {
    this.#label = label;
    this.#total = total;
    this.#draw();
  }

  step(failed) {
    this.#done++;
    if (failed) this.#failed++;
    this.#draw();
  }

  end() {
    if (process.stdout.isTTY) process.stdout.write('\n');
    else console.log(this.#line());
  }

  #draw() {
    if (process.stdout.isTTY) process.stdout.write(`\r${this.#line()}\u001b[K`);
  }

  #line() {
    const filled = Math.round((this.#done / this.#total) * bar);
    const count = `${String(this.#done).padStart(String(this.#total).length)}/${this.#total} requests`;
    const failures = this.#failed === 0 ? '' : paint(`, ${this.#failed} answered with an error`, 'yellow');
    return `${label(this.#label)}${paint('━'.repeat(filled), 'cyan')}${paint('─'.repeat(bar - filled), 'dim')} ${count}${failures}`;
  }
}

/** Prints one line about what happens. */
export function tell(subject, sentence) {
  console.log(`${label(subject)}${sentence}`);
}

function label(text) {
  return `  ${paint(text.padEnd(14), 'bold')}`;
}
