/** vCPUs and devices without the test runner's loader, from sources by tsx. As the package is built: `npm run package`. */
import { expect, test } from 'vitest';
import { runScript } from '../support/flatview-process.ts';
import { PLAIN_RUNS } from './programs/plain-runs.ts';

test('a machine runs, and the process ends by itself', () => {
  const face = new URL('../../src/index.ts', import.meta.url).href;
  const { stdout, stderr } = runScript('test/service/programs/plain.mjs', [face]);
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual(PLAIN_RUNS);
});
