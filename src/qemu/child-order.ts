/**
 * Which children of a container may stay where they are, when its list is to become another one.
 * Mapping and moving only ever put a region in front of its equals. So what stays must be the end of each
 * priority's group; all before it in the wanted list has to come to the front again, last one first.
 */
import type { MemoryRegion } from '../model/memory-region.ts';

export interface WantedChild {
  readonly region: MemoryRegion;
  readonly offset: bigint;
  readonly priority: number;
}

/** @param wanted in list order, priority descending */
export function childrenThatStay(
  current: readonly MemoryRegion[],
  wanted: readonly WantedChild[],
): ReadonlySet<MemoryRegion> {
  const stay = new Set<MemoryRegion>();
  let currentIndex = current.length - 1;
  let brokenPriority: number | null = null;
  for (const child of wanted.toReversed()) {
    if (child.priority === brokenPriority) continue;
    while (currentIndex >= 0 && current[currentIndex]!.priority < child.priority) currentIndex--;
    const before = currentIndex;
    while (
      currentIndex >= 0 &&
      current[currentIndex]!.priority === child.priority &&
      current[currentIndex] !== child.region
    ) {
      currentIndex--;
    }
    const found = current[currentIndex];
    if (found === child.region && found.priority === child.priority && found.address === child.offset) {
      stay.add(child.region);
      currentIndex--;
    } else {
      brokenPriority = child.priority;
      currentIndex = before;
    }
  }
  return stay;
}
