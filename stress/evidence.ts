/** What is there to see of a scenario at one moment: each vCPU as it is, and the views that readers find. */
import {
  READER_ANNOUNCED,
  readerWord,
  type SharedWords,
  WORD_GENERATION,
} from '../src/layout/control-block.ts';
import type { AddressSpace } from '../src/model/address-space.ts';
import { printSharedViews } from '../src/qemu/mtree-printer.ts';
import type { FlatView } from '../src/render/flat-view.ts';
import type { Machine } from '../src/service/machine.ts';
import type { StartedVcpu } from './bed.ts';
import type { Evidence, VcpuEvidence } from './failure.ts';

export const evidenceOf = (machines: readonly Machine[], vcpus: readonly StartedVcpu[]): Evidence => ({
  vcpus: vcpus.map(vcpuEvidence),
  views: machines.flatMap(viewLines),
});

function vcpuEvidence({ handle, lane, number, machine }: StartedVcpu): VcpuEvidence {
  const control: SharedWords = new Int32Array(machine.shared.control);
  return {
    number,
    id: handle.id,
    phase: handle.phase,
    announced: Atomics.load(control, readerWord(handle.id) + READER_ANNOUNCED),
    generation: Atomics.load(control, WORD_GENERATION),
    checked: lane.operations,
    violations: lane.violations,
    notes: lane.notes,
  };
}

/** Of what is published, not of what the tree would give now: the two may differ, and that may be the violation. */
function viewLines(machine: Machine): string[] {
  try {
    const spacesByView = new Map<FlatView, AddressSpace[]>();
    for (const space of machine.addressSpaces) {
      const view = machine.flatViewOf(space);
      spacesByView.set(view, [...(spacesByView.get(view) ?? []), space]);
    }
    const views = [...spacesByView].map(([view, spaces]) => ({ view, spaces }));
    return printSharedViews(views).split('\n');
  } catch (error) {
    return [`no views: ${(error as Error).message}`];
  }
}
