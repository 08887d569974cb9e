/**
 * What can happen to a machine's layout while it runs, found by its structure: BARs that move or are
 * unmapped, one of several aliases at one place that takes over (PAM), windows that open and close (SMRAM,
 * TSEG, bus mastering), ROM devices that leave ROM mode.
 * Guarantee: apply() and revert() are a few mutators each; after both the same answers at every address, if
 * nothing else moved in front of the region's equals meanwhile.
 */
import type { MemoryRegion } from '../model/memory-region.ts';
import type { Random } from './random.ts';

export type ChangeKind = 'move' | 'unmap' | 'disable' | 'enable' | 'switch' | 'rom-mode' | 'plug';

export interface LayoutChange {
  readonly kind: ChangeKind;
  /** The region that changes; each has one change at most. */
  readonly region: MemoryRegion;
  apply(): void;
  revert(): void;
}

/** Larger regions stay: they are the machine's RAM, or its buses. */
const MOVABLE_BYTES_MAX = 1n << 26n;
const BAR_BYTES_MIN = 0x1000n;
const PLACES_TRIED = 64;

/** Every change that the structure of `regions` suggests, in random order, the likeliest in a guest last. */
export function suggestedChanges(regions: readonly MemoryRegion[], random: Random): LayoutChange[] {
  const changes: LayoutChange[] = [];
  const byLikelihood = random.shuffled(regions).sort((a, b) => likelihood(a) - likelihood(b));
  for (const region of byLikelihood) {
    const container = region.container;
    if (container === null) continue;
    const rivals = rivalsOf(region);
    if (rivals.length > 0) {
      if (!region.enabled) changes.push(switchTo(region, rivals));
      continue;
    }
    if (!region.enabled) changes.push(toggle(region, true));
    else if (region.size > 0n && region.size <= MOVABLE_BYTES_MAX) {
      changes.push(toggle(region, false), unmap(region, container));
      const place = freePlace(region, container, random);
      if (place !== null) changes.push(move(region, place));
      if (region.kind === 'rom-device') changes.push(leaveRomMode(region));
    }
  }
  return changes;
}

/** QEMU's names for what guests flip most. */
const FLIPPED_OFTEN = /^(?:pam-|smram|tseg)/;

/** 2 for what guests flip, 1 for what looks like a BAR, 0 for the rest. */
function likelihood(region: MemoryRegion): number {
  if (!region.enabled && FLIPPED_OFTEN.test(region.name)) return 2;
  const { size, address, kind } = region;
  const isBar = size >= BAR_BYTES_MIN && (size & (size - 1n)) === 0n && address % size === 0n;
  return isBar && kind !== 'alias' && kind !== 'rom-device' ? 1 : 0;
}

/** A device that is plugged in at a free place, for machines where nothing else can change. */
export function plugDevice(container: MemoryRegion, device: MemoryRegion, address: bigint): LayoutChange {
  return {
    kind: 'plug',
    region: device,
    apply: () => container.addSubregionOverlap(address, device, 1),
    revert: () => container.delSubregion(device),
  };
}

const toggle = (region: MemoryRegion, enabled: boolean): LayoutChange => ({
  kind: enabled ? 'enable' : 'disable',
  region,
  apply: () => region.setEnabled(enabled),
  revert: () => region.setEnabled(!enabled),
});

/** As QEMU does when a guest switches a BAR's decoding off. */
function unmap(region: MemoryRegion, container: MemoryRegion): LayoutChange {
  const { address, priority } = region;
  return {
    kind: 'unmap',
    region,
    apply: () => container.delSubregion(region),
    revert: () => container.addSubregionOverlap(address, region, priority),
  };
}

function move(region: MemoryRegion, place: bigint): LayoutChange {
  const { address } = region;
  return {
    kind: 'move',
    region,
    apply: () => region.setAddress(place),
    revert: () => region.setAddress(address),
  };
}

const leaveRomMode = (region: MemoryRegion): LayoutChange => {
  const { romd } = region;
  return {
    kind: 'rom-mode',
    region,
    apply: () => region.setRomd(!romd),
    revert: () => region.setRomd(romd),
  };
};

/** Aliases at the very place of `region`, of which one at a time is on: as a chipset's PAM registers do. */
function rivalsOf(region: MemoryRegion): MemoryRegion[] {
  const { container } = region;
  if (container === null || region.kind !== 'alias' || region.size === 0n) return [];
  return container.children.filter(
    (other) =>
      other !== region &&
      other.kind === 'alias' &&
      other.address === region.address &&
      other.size === region.size &&
      other.priority === region.priority,
  );
}

function switchTo(region: MemoryRegion, rivals: readonly MemoryRegion[]): LayoutChange {
  const on = rivals.filter((rival) => rival.enabled);
  const set = (enabled: boolean): void => {
    region.setEnabled(enabled);
    for (const rival of on) rival.setEnabled(!enabled);
  };
  return { kind: 'switch', region, apply: () => set(true), revert: () => set(false) };
}

/** An address in `container` where no sibling lies, aligned as a BAR of this size is; null if none is found. */
export function freePlace(region: MemoryRegion, container: MemoryRegion, random: Random): bigint | null {
  let step = 1n;
  while (step < region.size) step <<= 1n;
  const aligned = region.address - (region.address % step);
  const oddness = region.address - aligned;
  for (let tried = 0; tried < PLACES_TRIED; tried += 1) {
    const distance = BigInt(1 + random.below(4 << (tried % 8))) * step;
    const place = (tried % 2 === 0 ? aligned + distance : aligned - distance) + oddness;
    if (place < 0n || place + region.size > container.size) continue;
    if (!container.children.some((other) => other !== region && overlaps(other, place, region.size)))
      return place;
  }
  return null;
}

/** Containers that span their whole parent are windows, not neighbours: they do not count. */
const overlaps = (other: MemoryRegion, place: bigint, size: bigint): boolean =>
  other.terminates && other.address < place + size && place < other.address + other.size;
