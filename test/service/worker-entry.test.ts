/** Whether a thread must be taught TypeScript, by the flags of the process. Who uses it: test/service/vcpu-plain-node.test.ts. */
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { tsxAmong } from '../../src/service/worker-entry.ts';

const file = 'file:///srv/app/node_modules/tsx/dist/loader.mjs';
const here = pathToFileURL('package.json').href;

describe('tsx is found', () => {
  test.each<[string, readonly string[], string]>([
    ['by name', ['--import', 'tsx'], here],
    ['by name in one flag', ['--import=tsx'], here],
    ['by one of its faces', ['--import', 'tsx/esm'], here],
    ['by the URL that its command gives', ['--enable-source-maps', '--import', file], file],
    [
      'by the path that its command gives',
      ['--require', '/srv/app/node_modules/tsx/dist/preflight.cjs'],
      'file:///srv/app/node_modules/tsx/dist/preflight.cjs',
    ],
  ])('%s', (_how, flags, loader) => {
    expect(tsxAmong(flags)).toBe(loader);
  });
});

test.each<[string, readonly string[]]>([
  ['no flags', []],
  ['an empty one', ['']],
  [
    'other modules',
    ['--import', 'tsx-like', '--require', './tsx/hook.cjs', '--import=file:///tsx/loader.mjs'],
  ],
])('it is not taken to be in use with %s', (_what, flags) => {
  expect(tsxAmong(flags)).toBeNull();
});
