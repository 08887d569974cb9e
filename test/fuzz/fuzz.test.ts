/**
 * Each fuzz target for about a second, from a fixed seed; `npm run fuzz` runs the same properties for hours.
 * FLATVIEW_FUZZ_SEED draws other cases.
 */
import { expect, test } from 'vitest';
import { runBatch } from '../../stress/fuzz/batch.ts';
import { targets } from '../../stress/fuzz/targets.ts';

const seed = Number(process.env['FLATVIEW_FUZZ_SEED'] ?? 20_261);

test.each(targets)('$name: $property', async (target) => {
  const failure = await runBatch(target, { seed, cases: target.quickCases });
  expect(failure?.report ?? 'every case held').toBe('every case held');
});
