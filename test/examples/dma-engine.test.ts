/** The example on real threads: what the engine writes lands in the pages that were lent to it, and nowhere else. */
import { expect, test } from 'vitest';
import { runDma } from '../../examples/dma-engine/dma-machine.ts';

test('an engine behind an IOMMU writes only what is mapped, while mappings change', async () => {
  const run = await runDma(40);
  expect(run.problems).toEqual([]);
  expect(run.loans).toBe(40);
  expect(run.written).toBeGreaterThan(0);
  expect(run.bursts).toBeGreaterThan(0);
  expect(run.faults).toBeGreaterThan(0);
}, 60_000);
