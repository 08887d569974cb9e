/**
 * Mapping a region into a container, unmapping it, moving it: each a mutation that can be undone exactly,
 * down to the order of the children.
 */
import { MemoryError } from '../base/errors.ts';
import type { MemoryRegion } from './memory-region.ts';
import { contains } from './reachability.ts';
import { registerUse, unregisterUse } from './region-links.ts';
import { touchedPlace, touchedWhole } from './touched.ts';
import { mutate } from './transaction.ts';

/** Maps `child` at `offset`, in front of the children of equal `priority`. */
export function mapChild(
  container: MemoryRegion,
  child: MemoryRegion,
  offset: bigint,
  priority: number,
): void {
  refuseMapping(container, child);
  const { address: addressBefore, priority: priorityBefore } = child.links;
  mutate({
    pending: child.enabled && (container.enabled || isShownElsewhere(child)),
    regions: [container, child],
    touched: [touchedWhole(child)],
    reshaped: child,
    apply() {
      child.links.address = offset;
      child.links.priority = priority;
      container.links.children.insert(child);
      enter(container, child);
    },
    undo() {
      container.links.children.remove(child);
      child.links.address = addressBefore;
      child.links.priority = priorityBefore;
      leave(container, child);
    },
  });
}

export function unmapChild(container: MemoryRegion, child: MemoryRegion): void {
  if (child.container !== container) {
    const place = child.container === null ? 'in no container' : `in '${child.container.name}'`;
    throw new MemoryError(
      'NOT_A_SUBREGION',
      `cannot unmap '${child.name}' from '${container.name}': it is ${place}`,
    );
  }
  let number = 0;
  mutate({
    pending: container.enabled && child.enabled,
    regions: [container, child],
    touched: touchedPlace(child),
    apply() {
      number = container.links.children.remove(child);
      leave(container, child);
    },
    undo() {
      container.links.children.insertAt(number, child);
      enter(container, child);
    },
  });
}

/** Sets the address of `region`; where it has a container, it also comes in front of its equals. */
export function moveRegion(region: MemoryRegion, offset: bigint): void {
  const before = region.address;
  if (offset === before) return;
  const container = region.container;
  if (container === null) {
    mutate({
      // A root, or what it leads to, is rendered at its own address.
      pending: region.enabled && region.links.inUse,
      regions: [region],
      touched: [touchedWhole(region)],
      apply: () => (region.links.address = offset),
      undo: () => (region.links.address = before),
    });
    return;
  }
  const { children } = container.links;
  let number = 0;
  mutate({
    pending: region.enabled && (container.enabled || isShownElsewhere(region)),
    regions: [container, region],
    touched: [...touchedPlace(region), touchedWhole(region)],
    reshaped: region,
    apply() {
      number = children.remove(region);
      region.links.address = offset;
      children.insert(region);
    },
    undo() {
      children.remove(region);
      region.links.address = before;
      children.insertAt(number, region);
    },
  });
}

/** A root, or what it leads to, is rendered at its own address, though its container may show nothing. */
const isShownElsewhere = ({ links }: MemoryRegion): boolean => links.rootOf.size > 0 || links.seenBy.size > 0;

function enter(container: MemoryRegion, child: MemoryRegion): void {
  child.links.container = container;
  if (child.owner !== container.owner) child.keeper?.hold();
  registerUse(child);
}

function leave(container: MemoryRegion, child: MemoryRegion): void {
  child.links.container = null;
  if (child.owner !== container.owner) child.keeper?.letGo();
  unregisterUse(child);
}

function refuseMapping(container: MemoryRegion, child: MemoryRegion): void {
  if (container.kind === 'alias') {
    throw new MemoryError(
      'ALIAS_HAS_NO_CHILDREN',
      `cannot map '${child.name}' into alias '${container.name}'; map it into the alias's target or a container`,
    );
  }
  if (child.container !== null) {
    throw new MemoryError(
      'REGION_ALREADY_MAPPED',
      `'${child.name}' is already mapped in '${child.container.name}'; unmap it first, or map an alias of it`,
    );
  }
  if (contains(child, container)) {
    throw new MemoryError(
      'ALIAS_CYCLE',
      `mapping '${child.name}' into '${container.name}' would let '${child.name}' contain itself`,
    );
  }
}
