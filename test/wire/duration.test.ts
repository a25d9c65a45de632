import assert from 'node:assert/strict';
import { parseDurationSeconds } from '../../src/wire/duration.js';

describe('a length of time', () => {
  for (const [text, seconds] of [
    ['45s', 45],
    ['90m', 5400],
    ['12h', 43_200],
    ['30d', 2_592_000],
    ['0s', 0],
    ['999999999d', 86_399_999_913_600],
  ] as const) {
    it(`is ${seconds} seconds as ${text}`, () => {
      assert.equal(parseDurationSeconds(text), seconds);
    });
  }

  for (const text of [
    '',
    '30',
    'd',
    '-1d',
    '1.5h',
    '1e3s',
    ' 30d',
    '30d ',
    '30D',
    '3 weeks',
    '1000000000s',
  ]) {
    it(`is not ${JSON.stringify(text)}`, () => {
      assert.equal(parseDurationSeconds(text), undefined);
    });
  }
});
