/**
 * Refuses trees in which a region would show itself at its own place, so that rendering never ends.
 * Real machines have aliases that show another part of the container they are in (a mirror of I/O space);
 * that is legal, since what is shown ends at the alias's window. Only a region that is reached again with
 * no displacement is an error.
 */
import { MemoryError } from '../base/errors.ts';
import type { MemoryRegion } from './memory-region.ts';
import { regionsAbove } from './reachability.ts';
import { VisitBudget } from './visit-budget.ts';

/** Exclusive end. */
interface Clip {
  readonly start: bigint;
  readonly end: bigint;
}

/**
 * @param reshaped regions that were mapped, moved, resized or enabled since the tree was last checked
 * @throws MemoryError ALIAS_CYCLE; RENDER_TOO_DEEP or RENDER_TOO_LARGE if a region repeats itself beyond bounds
 */
export function refuseEndlessViews(reshaped: ReadonlySet<MemoryRegion>): void {
  let budget: VisitBudget | null = null;
  for (const region of reshaped) {
    if (region.aliasTarget === null && region.links.children.size === 0) continue; // it shows nothing but itself
    const above = regionsAbove([region]);
    if (!leadsBackTo(region, above)) continue;
    budget ??= new VisitBudget();
    new SelfSearch(region, above, budget).run();
  }
}

/** Whether climbing from `region` comes back to it. @param above regionsAbove([region]) */
function leadsBackTo(region: MemoryRegion, above: ReadonlySet<MemoryRegion>): boolean {
  if (region.aliasTarget !== null) return above.has(region.aliasTarget);
  for (const found of above) if (found.container === region) return true;
  return false;
}

/** Follows what `start` shows, as rendering would, but only through regions that lead back to it. */
class SelfSearch {
  private readonly start: MemoryRegion;
  private readonly leadingBack: ReadonlySet<MemoryRegion>;
  private readonly budget: VisitBudget;

  /** @param leadingBack to `start` */
  constructor(start: MemoryRegion, leadingBack: ReadonlySet<MemoryRegion>, budget: VisitBudget) {
    this.start = start;
    this.leadingBack = leadingBack;
    this.budget = budget;
    for (const region of leadingBack) budget.spend(region, 1);
  }

  run(): void {
    this.visit(this.start, 0n, { start: 0n, end: this.start.size }, 1);
  }

  /** @param base where `region` begins, if `start` begins at 0 */
  private visit(region: MemoryRegion, base: bigint, clip: Clip, depth: number): void {
    const start = base > clip.start ? base : clip.start;
    const regionEnd = base + region.size;
    const end = regionEnd < clip.end ? regionEnd : clip.end;
    if (!region.enabled || start >= end) return;
    if (depth > 1 && region === this.start && base === 0n) this.refuse();
    const shown = { start, end };
    if (region.aliasTarget !== null) this.enter(region.aliasTarget, base - region.aliasOffset, shown, depth);
    else for (const child of region.children) this.enter(child, base + child.address, shown, depth);
  }

  private enter(region: MemoryRegion, base: bigint, clip: Clip, depth: number): void {
    this.budget.spend(region, depth);
    if (this.leadingBack.has(region)) this.visit(region, base, clip, depth + 1);
  }

  private refuse(): never {
    const { name } = this.start;
    throw new MemoryError(
      'ALIAS_CYCLE',
      `region '${name}' would show itself at its own place through an alias; give the alias another offset or target`,
    );
  }
}
