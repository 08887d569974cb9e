/** vCPUs and devices without the test runner's loader, from sources by tsx. As the package is built: `npm run package`. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runScript } from '../support/flatview-process.ts';
import { PLAIN_RUNS } from './programs/plain-runs.ts';

test('a machine runs, and the process ends by itself', () => {
  const face = new URL('../../src/index.ts', import.meta.url).href;
  const program = fileURLToPath(new URL('./programs/plain.mjs', import.meta.url));
  const { stdout, stderr } = runScript(program, [face]);
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual(PLAIN_RUNS);
});
