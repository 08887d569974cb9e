/**
 * What a listener is told adds up: after any transactions, a mirror that knows only that equals the flat view,
 * with the ioeventfds, coalesced ranges and masks of the regions in it. On its way the mirror refuses what it
 * is told twice, and what it is told of unknown ranges.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemoryError } from '../../src/base/errors.ts';
import type { MemoryRegion } from '../../src/model/memory-region.ts';
import { transaction } from '../../src/model/transaction.ts';
import { LiveLayout } from '../../src/qemu/live-layout.ts';
import { Machine } from '../../src/service/machine.ts';
import { MirrorListener, mirrorOf, notifier } from '../support/listening.ts';
import { randomLayout } from '../support/random-tree.ts';

interface Extra {
  readonly kind: number;
  readonly which: number;
  readonly at: number;
}
const extras = fc.array(fc.record({ kind: fc.nat(9), which: fc.nat(1000), at: fc.nat(30) }), {
  minLength: 4,
  maxLength: 24,
});

/** A change of what is not in a layout. Those that a region refuses change nothing. */
function perform(regions: readonly MemoryRegion[], { kind, which, at }: Extra): void {
  const region = regions[which % regions.length]!;
  const eventfd = {
    offset: at % 4,
    size: [0, 1, 2, 4][at % 4]!,
    match: at % 4 === 0 || at < 15 ? null : at,
    notifier: notifier(at % 3),
  };
  try {
    if (kind <= 2) region.eventfds.add(eventfd);
    else if (kind === 3)
      region.eventfds.del(region.eventfds.items[at % region.eventfds.items.length] ?? eventfd);
    else if (kind <= 5) region.coalescing.add(at, (at % 5) + 1);
    else if (kind === 6) region.coalescing.clear();
    else if (kind === 7) region.dirtyLog.setLog(at % 2 === 0, 0);
    else region.dirtyLog.setLogsCode(at % 2 === 0);
  } catch (error) {
    if (!(error instanceof MemoryError)) throw error;
  }
}

const layouts = randomLayout({ hugeRam: false });
const step = fc.record({ layout: fc.option(layouts), extras, tracked: fc.nat(3) });

test('replaying what a listener is told gives exactly the flat view, after any transactions', async () => {
  const told = { ranges: 0, eventfds: 0, coalesced: 0 };
  await fc.assert(
    fc.asyncProperty(layouts, fc.array(step, { minLength: 1, maxLength: 5 }), async (first, steps) => {
      const errors: unknown[] = [];
      const machine = new Machine({
        ramReserveBytes: 2 ** 20,
        arenaBytes: 2 ** 22,
        onListenerError: ({ error }) => errors.push(error),
      });
      const live = new LiveLayout({ host: { addAddressSpace: () => {}, removeAddressSpace: () => {} } });
      live.apply(first);
      const spaces = live.addressSpaces.map((space) => machine.addAddressSpace(space));
      const mirrors = spaces.map((space) => ({ space, mirror: new MirrorListener() }));
      for (const { space, mirror } of mirrors) machine.addListener(mirror, space);
      for (const { layout, extras, tracked } of steps) {
        transaction(() => {
          if (layout !== null) live.apply(layout);
          for (const extra of extras) perform([...live.regionsById.values()], extra);
        });
        if (tracked === 1) machine.dirtyTracking.start(1);
        if (tracked === 2) machine.dirtyTracking.stop(1);
        for (const { space, mirror } of mirrors) {
          const expected = mirrorOf(machine.flatViewOf(space));
          expect(mirror.state).toEqual(expected);
          told.ranges += expected.ranges.length;
          told.eventfds += expected.eventfds.length;
          told.coalesced += expected.coalesced.length;
        }
      }
      for (const { mirror } of mirrors) {
        machine.removeListener(mirror);
        expect(mirror.state).toEqual({ ranges: [], masks: [], eventfds: [], coalesced: [] });
      }
      for (const space of spaces) space.setRoot(null);
      await machine.close();
      expect(errors).toEqual([]);
    }),
    { numRuns: 150 },
  );
  for (const count of Object.values(told)) expect(count, 'the layouts show something').toBeGreaterThan(50);
});
