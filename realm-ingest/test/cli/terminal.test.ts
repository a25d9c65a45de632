import assert from 'node:assert/strict';
import { toPrintable, toTable } from '../../src/cli/terminal.js';

describe('what commands write', () => {
  it('tables have aligned columns, and no blanks at the end of a line', () => {
    assert.deepEqual(
      toTable([
        ['ID', 'USER'],
        ['1', 'kiosk'],
        ['1234', ''],
      ]),
      ['ID    USER', '1     kiosk', '1234'],
    );
  });

  it('texts from clients have no power over the terminal', () => {
    assert.equal(toPrintable('\u001b[2Jevil\r\nline\u202etxt\u009b'), '�[2Jevil��line�txt�');
    assert.equal(toPrintable('Größe 測定 😀'), 'Größe 測定 😀');
  });
});
