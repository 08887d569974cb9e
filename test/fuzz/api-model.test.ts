/** The model-based test is able to fail: it convicts a model that has one rule wrong, within a few histories. */
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { apiHistories } from '../../stress/fuzz/api-commands.ts';
import { ApiModel } from '../../stress/fuzz/api-model.ts';

afterEach(() => vi.restoreAllMocks());

test.each<[string, number, () => void]>([
  [
    'puts a new child behind its equals',
    5,
    () =>
      vi.spyOn(ApiModel.prototype, 'insert').mockImplementation(function (this: ApiModel, parent, child) {
        const { children } = this.region(parent);
        const { priority } = this.region(child);
        const at = children.findIndex((other) => this.region(other).priority < priority);
        children.splice(at < 0 ? children.length : at, 0, child);
        this.region(child).container = parent;
      }),
  ],
  [
    'keeps what a transaction did that was undone',
    5,
    () =>
      vi.spyOn(ApiModel.prototype, 'copy').mockImplementation(function (this: ApiModel) {
        return this.state;
      }),
  ],
  [
    'shows what a root only wraps at the place and with the flags of the wrappers',
    1,
    () => vi.spyOn(ApiModel.prototype, 'viewRoot').mockImplementation((root) => root),
  ],
])('a model that %s', async (_what, seed, sabotage) => {
  sabotage();
  const property = apiHistories.make() as fc.IAsyncProperty<unknown[]>;
  const { failed } = await fc.check(property, { seed, numRuns: 60, endOnFailure: true });
  expect(failed).toBe(true);
});
