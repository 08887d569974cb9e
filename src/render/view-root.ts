/**
 * Where the rendering of an address space begins. Address spaces with the same view root share one flat view.
 * @source observed behaviour of QEMU 7.2: what `info mtree -f` prints as "Root memory region"
 */
import type { MemoryRegion } from '../model/memory-region.ts';
import { VisitBudget } from '../model/visit-budget.ts';

/**
 * Skips what only wraps: an alias with offset 0 that covers its target, and a container with exactly one
 * enabled child, at 0 and no larger than it. Null for a disabled region or a container without enabled children.
 * As in QEMU, flags of what is skipped are dropped, and the view root is rendered at its own address.
 * @throws MemoryError RENDER_TOO_DEEP
 */
export function viewRootOf(root: MemoryRegion | null): MemoryRegion | null {
  let region = root;
  const budget = new VisitBudget();
  for (let depth = 1; region?.enabled; depth++) {
    budget.spend(region, depth);
    const inner = innerOf(region);
    if (inner === region) return region;
    region = inner;
  }
  return null;
}

/** What `region` only wraps; itself if it has contents of its own; null if it has none. */
function innerOf(region: MemoryRegion): MemoryRegion | null {
  const target = region.aliasTarget;
  if (target !== null) return region.aliasOffset === 0n && region.size >= target.size ? target : region;
  if (region.terminates) return region;
  const [only, another] = region.links.children.enabled(2);
  if (only === undefined) return null;
  const isWrapper = another === undefined && only.address === 0n && only.size <= region.size;
  return isWrapper ? only : region;
}
