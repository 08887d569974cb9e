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
  const passable = [...reshaped].filter(
    (region) => region.aliasTarget !== null || region.links.children.size > 0,
  );
  if (!cycleAbove(passable)) return;
  const budget = new VisitBudget();
  for (const region of passable) new SelfSearch(region, budget).run();
}

/** Whether climbing from one of `regions` leads back to a region on the way: three colours, no recursion; each is left once. */
function cycleAbove(regions: readonly MemoryRegion[]): boolean {
  const finished = new Set<MemoryRegion>();
  const onTheWay = new Set<MemoryRegion>();
  for (const start of regions) {
    const stack = [start];
    for (let region = stack.at(-1); region !== undefined; region = stack.at(-1)) {
      if (finished.has(region) || onTheWay.has(region)) {
        stack.pop();
        onTheWay.delete(region);
        finished.add(region);
        continue;
      }
      onTheWay.add(region);
      for (const above of directlyAbove(region)) {
        if (onTheWay.has(above)) return true;
        if (!finished.has(above)) stack.push(above);
      }
    }
  }
  return false;
}

const directlyAbove = ({ links: { container, seenBy } }: MemoryRegion): readonly MemoryRegion[] =>
  container === null ? [...seenBy] : [container, ...seenBy];

/** Follows what `start` shows, as rendering would, but only through regions that lead back to it. */
class SelfSearch {
  private readonly start: MemoryRegion;
  private readonly leadingBack: ReadonlySet<MemoryRegion>;
  private readonly budget: VisitBudget;

  constructor(start: MemoryRegion, budget: VisitBudget) {
    this.start = start;
    this.leadingBack = regionsAbove([start]);
    this.budget = budget;
    for (const region of this.leadingBack) budget.spend(region, 1);
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
