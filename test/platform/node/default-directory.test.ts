import assert from 'node:assert/strict';
import { defaultDirectory } from '../../../src/platform/node/default-directory.js';

describe('defaultDirectory', () => {
  for (const [what, environment, system, expected] of [
    ['XDG_STATE_HOME', { XDG_STATE_HOME: '/var/state' }, 'linux', '/var/state/opentelemetry-exporter-realm'],
    ['~/.local/state', {}, 'linux', '/home/me/.local/state/opentelemetry-exporter-realm'],
    [
      '~/.local/state for a relative XDG_STATE_HOME',
      { XDG_STATE_HOME: 'state' },
      'linux',
      '/home/me/.local/state/opentelemetry-exporter-realm',
    ],
    [
      'Application Support',
      { XDG_STATE_HOME: '/x' },
      'darwin',
      '/home/me/Library/Application Support/opentelemetry-exporter-realm',
    ],
    ['%LOCALAPPDATA%', { LOCALAPPDATA: '/local' }, 'win32', '/local/opentelemetry-exporter-realm'],
  ] as const) {
    it(`is in ${what} on ${system}`, () => {
      assert.equal(defaultDirectory(environment, system, '/home/me'), expected);
    });
  }
});
