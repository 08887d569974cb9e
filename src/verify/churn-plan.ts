/**
 * A cycle of layouts that a machine walks through under load: each step begins or ends one change, two or
 * three are under way at a time, and after the last step all are undone.
 * Guarantee: from the second lap on, the layout after step n depends on n modulo the length alone. (In the
 * first lap it may differ: what moves comes in front of its equals, and stays there.)
 */
import type { AddressSpace } from '../model/address-space.ts';
import { MemoryRegion } from '../model/memory-region.ts';
import { transaction } from '../model/transaction.ts';
import {
  type ChangeKind,
  freePlace,
  type LayoutChange,
  plugDevice,
  suggestedChanges,
} from './layout-change.ts';
import { Oracle, physicalRoot } from './oracle.ts';
import type { ProbeDevices } from './probe-devices.ts';
import type { Random } from './random.ts';
import { windowsOf } from './windows.ts';

const CHANGES_MAX = 16;
const TRIALS_MAX = 400;
const POINTS_MAX = 24;
const PLUGGED_BYTES = 0x1000;
/** One round of choice; kinds that the machine does not have are passed over. */
const MIX: readonly ChangeKind[] = [
  'move',
  'switch',
  'unmap',
  'enable',
  'move',
  'rom-mode',
  'disable',
  'switch',
];

export class ChurnPlan {
  readonly changes: readonly LayoutChange[];
  private readonly actions: readonly (() => void)[];

  constructor(changes: readonly LayoutChange[]) {
    this.changes = changes;
    this.actions = changes.flatMap((change, index) => {
      const before = changes[index - 1];
      return before === undefined ? [change.apply] : [change.apply, before.revert];
    });
    const last = changes.at(-1);
    if (last !== undefined) this.actions = [...this.actions, last.revert];
  }

  /** How many layouts the cycle has; at least 1. */
  get stateCount(): number {
    return Math.max(1, this.actions.length);
  }

  get isEmpty(): boolean {
    return this.actions.length === 0;
  }

  /** From the layout after step `step` - 1 to the one after `step`, in one transaction. */
  apply(step: number): void {
    transaction(this.actions[(step - 1) % this.actions.length]!);
  }
}

/** Plans what will change. The tree is as it was afterwards, but for the order of equals. */
export function planChurn(
  spaces: readonly AddressSpace[],
  regions: readonly MemoryRegion[],
  probes: ProbeDevices,
  random: Random,
): ChurnPlan {
  const roots = [...new Set(spaces.map((space) => space.root).filter((root) => root !== null))];
  const byKind = new Map<ChangeKind, LayoutChange[]>();
  for (const change of suggestedChanges(regions, random)) {
    const list = byKind.get(change.kind) ?? [];
    byKind.set(change.kind, list);
    list.push(change);
  }
  const chosen: LayoutChange[] = [];
  let trials = 0;
  for (let turn = 0; chosen.length < CHANGES_MAX && trials < TRIALS_MAX; turn += 1) {
    const lists = [...byKind.values()];
    if (lists.every((list) => list.length === 0)) break;
    const list = byKind.get(MIX[turn % MIX.length]!) ?? [];
    for (let change = list.pop(); change !== undefined; change = list.pop()) {
      if (chosen.some(({ region }) => region === change!.region)) continue;
      trials += 1;
      if (!hasEffect(change, roots)) continue;
      chosen.push(change);
      break;
    }
  }
  if (chosen.length < 2) chosen.push(...plugs(roots, probes, random));
  return new ChurnPlan(chosen);
}

/** Whether anything answers differently with the change, near where its region lies. */
function hasEffect(change: LayoutChange, roots: readonly MemoryRegion[]): boolean {
  const points = new Map(roots.map((root) => [root, pointsOf(change.region, root)]));
  transaction(change.apply);
  for (const [root, known] of points) known.push(...pointsOf(change.region, root));
  const after = answersAt(points);
  transaction(change.revert);
  return answersAt(points) !== after;
}

function pointsOf(region: MemoryRegion, root: MemoryRegion): bigint[] {
  return windowsOf(root)
    .filter((window) => window.region === region)
    .slice(0, POINTS_MAX)
    .flatMap(({ first, last }) => [first, (first + last) / 2n, last]);
}

function answersAt(points: ReadonlyMap<MemoryRegion, readonly bigint[]>): string {
  return [...points]
    .flatMap(([root, addresses]) => {
      const oracle = new Oracle(root);
      return addresses.map((address) => {
        const { region, offset, readonly } = oracle.at(address);
        return `${region?.id}/${offset}/${readonly}/${region?.romd}`;
      });
    })
    .join();
}

/** For a machine where nothing else can change: two devices that are plugged in and out. */
function plugs(roots: readonly MemoryRegion[], probes: ProbeDevices, random: Random): LayoutChange[] {
  const candidates = roots.flatMap((root) => [root, physicalRoot(root)]);
  const container = candidates.find((region) => region?.kind === 'container' && region.enabled);
  if (container === undefined || container === null) return [];
  return [0, 1].flatMap((index) => {
    const device = MemoryRegion.io(`plugged-${index}`, PLUGGED_BYTES, probes.bind(), {
      address: container.size / 2n + BigInt(index * 16 * PLUGGED_BYTES),
    });
    const place = freePlace(device, container, random);
    return place === null ? [] : [plugDevice(container, device, place)];
  });
}
