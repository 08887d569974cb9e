/** A flat view rendered in full from its root, by the number of regions that show. */
import { renderFlatView } from '../src/render/render.ts';
import { manyBars, REGION_COUNTS } from './support/many-bars.ts';
import { type Measured, measureCalls, type Row } from './support/measure.ts';

export function measureRender(regionCount: number): Promise<Measured> {
  const { root } = manyBars(regionCount);
  return measureCalls(() => renderFlatView(root), { operations: 1 });
}

export const renderRows: readonly Row[] = REGION_COUNTS.map((regionCount) => ({
  name: `render/full-${regionCount}`,
  measure: () => measureRender(regionCount),
}));
