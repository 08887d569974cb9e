/**
 * Every order of the steps of a commit and of a reader that comes online, on real words. A store that is
 * not atomic may leave the thread's store buffer late: as a step of its own, that is an order like any
 * other, while on x86 no run of real threads shows it.
 */
import { GraceModel, ModelReader, ModelWriter } from '../../test/support/grace-steps.ts';
import { SAFE, type SteppedThread, step, stepsOf, walkOrders } from '../../test/support/interleavings.ts';
import type { Scenario } from '../scenario.ts';

/** The reader and, where the announcement is a plain store, its store buffer. */
function readerThreads(model: GraceModel, announcesPlainly: boolean): readonly SteppedThread[] {
  const reader = new ModelReader(model, 0);
  const [load, announce, ...rest] = reader.online();
  if (!announcesPlainly) return [stepsOf('reader', load!, announce!, ...rest)];
  const buffer = { holds: false };
  const put = step('put the announcement into the store buffer', () => {
    buffer.holds = true;
  });
  const drain = step(announce!.name, announce!.run, () => buffer.holds);
  return [stepsOf('reader', load!, put, ...rest), stepsOf('store buffer', drain)];
}

export const graceWalk: Scenario = {
  name: 'grace-walk',
  property: 'no order of the steps of commit and reader reuses a view in use',
  seconds: 1,
  async run(bed) {
    const walk = walkOrders(() => {
      const model = new GraceModel();
      const writer = stepsOf('writer', ...new ModelWriter(model).commitAndPoll([0]));
      const readers = readerThreads(model, bed.mutant === 'announce-plainly');
      return { threads: [writer, ...readers], verdict: () => model.fault ?? SAFE };
    });
    bed.checked(walk.orders);
    if (walk.unsafe > 0)
      bed.violation(`${walk.unsafe} of ${walk.orders} orders are unsafe, the first: ${walk.firstBad}`);
    return `${walk.orders} orders walked`;
  },
};
