/**
 * A machine that follows captured layouts: each one is reached from the one before by mutators, in ONE
 * transaction. A region keeps its identity as long as mutators can make it what its record says; a change of
 * kind, name, owner, alias target or RAM size makes a new region under the same id.
 * Guarantee: an apply() that throws leaves tree, address spaces and this object as they were.
 */
import { MemoryError } from '../base/errors.ts';
import { AddressSpace } from '../model/address-space.ts';
import { MemoryRegion } from '../model/memory-region.ts';
import { transaction } from '../model/transaction.ts';
import { childrenThatStay, type WantedChild } from './child-order.ts';
import type { DocumentSource } from './record-reader.ts';
import { type BindDevice, regionFromRecord } from './region-from-record.ts';
import type { AddressSpaceRecord, LayoutState, RegionRecord } from './region-record.ts';

/** Whoever serves the address spaces that come and go. */
export interface AddressSpaceHost {
  /** Called inside the transaction, before the address space is given its root. */
  addAddressSpace(space: AddressSpace): void;
  /** Called after the transaction, with its root null; also for what was added, if the transaction fails. */
  removeAddressSpace(space: AddressSpace): void;
}

export interface LiveLayoutOptions {
  readonly bindDevice?: BindDevice;
  readonly host?: AddressSpaceHost;
}

interface Served {
  readonly space: AddressSpace;
  readonly record: AddressSpaceRecord;
}

/** What the layout is once the transaction has ended. */
interface Next {
  readonly state: LayoutState;
  readonly regions: ReadonlyMap<string, MemoryRegion>;
}

export class LiveLayout {
  private readonly options: LiveLayoutOptions;
  private regions: ReadonlyMap<string, MemoryRegion> = new Map();
  private served: readonly Served[] = [];
  private mutations = 0;

  constructor(options: LiveLayoutOptions = {}) {
    this.options = options;
  }

  get regionsById(): ReadonlyMap<string, MemoryRegion> {
    return this.regions;
  }

  /** In the order of the layout applied last. */
  get addressSpaces(): readonly AddressSpace[] {
    return this.served.map(({ space }) => space);
  }

  /**
   * Makes the machine what `state` says, in one transaction.
   * @returns how many mutators ran that changed something
   */
  apply(state: LayoutState): { mutations: number } {
    this.mutations = 0;
    const next: Next = { state, regions: this.regionsFor(state) };
    const added: AddressSpace[] = [];
    const removed: AddressSpace[] = [];
    try {
      const served = transaction(() => {
        this.detach(next);
        for (const record of state.childrenFirst) this.setProperties(next.regions.get(record.id)!, record);
        for (const record of state.childrenFirst) this.attach(next, record);
        return this.serve(next, added, removed);
      });
      this.served = served;
    } catch (error) {
      for (const space of added) this.options.host?.removeAddressSpace(space);
      throw inDocument(state.source, error);
    }
    for (const space of removed) this.options.host?.removeAddressSpace(space);
    this.regions = next.regions;
    return { mutations: this.mutations };
  }

  /** For each record the region that it had, or a new one where mutators do not reach. */
  private regionsFor(state: LayoutState): Map<string, MemoryRegion> {
    const regions = new Map<string, MemoryRegion>();
    for (const record of state.targetsFirst) {
      const target = record.alias === null ? null : regions.get(record.alias.target)!;
      const before = this.regions.get(record.id);
      const kept = before !== undefined && isReachable(before, record, target);
      regions.set(record.id, kept ? before : regionFromRecord(record, target, this.options.bindDevice));
    }
    return regions;
  }

  /** Unmaps what leaves its container, so that it is free to be mapped elsewhere. */
  private detach(next: Next): void {
    for (const [id, region] of this.regions) {
      const survives = next.regions.get(id) === region;
      const wanted = survives ? wantedChildren(next, next.state.records.get(id)!) : [];
      const places = new Map(wanted.map((child) => [child.region, child]));
      for (const child of region.children) {
        if (places.get(child)?.priority === child.priority) continue;
        this.count(() => region.delSubregion(child));
      }
    }
  }

  private setProperties(region: MemoryRegion, record: RegionRecord): void {
    if (region.size !== record.size) this.count(() => region.setSize(record.size));
    if (region.readonly !== record.readonly) this.count(() => region.setReadonly(record.readonly));
    if (region.nonvolatile !== record.nonvolatile)
      this.count(() => region.setNonvolatile(record.nonvolatile));
    if (region.enabled !== record.enabled) this.count(() => region.setEnabled(record.enabled));
    if (record.kind === 'rom-device' && region.romd !== record.romd)
      this.count(() => region.setRomd(record.romd));
    const aliasOffset = record.alias?.offset ?? 0n;
    if (region.aliasOffset !== aliasOffset) this.count(() => region.setAliasOffset(aliasOffset));
    if (region.container === null) this.setPlaceKept(region, record);
  }

  /** What an unmapped region keeps from before. Only mapping sets a priority, hence the passing container. */
  private setPlaceKept(region: MemoryRegion, record: RegionRecord): void {
    if (region.priority !== record.priority) {
      const passing = MemoryRegion.container('passing', 0n);
      this.count(() => passing.addSubregionOverlap(record.address, region, record.priority));
      this.count(() => passing.delSubregion(region));
    } else if (region.address !== record.address) {
      this.count(() => region.setAddress(record.address));
    }
  }

  /** Brings the children of a record to the places and the order that it says. */
  private attach(next: Next, record: RegionRecord): void {
    const container = next.regions.get(record.id)!;
    const wanted = wantedChildren(next, record);
    const stay = childrenThatStay(container.children, wanted);
    for (const { region, offset, priority } of wanted.toReversed()) {
      if (stay.has(region)) continue;
      if (region.container === container && region.address !== offset) {
        this.count(() => region.setAddress(offset));
        continue;
      }
      if (region.container === container) this.count(() => container.delSubregion(region));
      this.count(() => container.addSubregionOverlap(offset, region, priority));
    }
  }

  private serve(next: Next, added: AddressSpace[], removed: AddressSpace[]): Served[] {
    const { matches, left } = matchAddressSpaces(this.served, next.state.addressSpaces);
    for (const { space } of left) {
      if (space.root !== null) this.count(() => space.setRoot(null));
      removed.push(space);
    }
    return next.state.addressSpaces.map((record) => ({
      record,
      space: this.serveOne(next, record, matches.get(record)?.space, added),
    }));
  }

  private serveOne(
    next: Next,
    record: AddressSpaceRecord,
    served: AddressSpace | undefined,
    added: AddressSpace[],
  ): AddressSpace {
    const root = record.root === null ? null : next.regions.get(record.root)!;
    if (served !== undefined) {
      if (served.root !== root) this.count(() => served.setRoot(root));
      return served;
    }
    const space = new AddressSpace(record.name);
    added.push(space);
    this.options.host?.addAddressSpace(space);
    if (root !== null) this.count(() => space.setRoot(root));
    return space;
  }

  private count(mutator: () => void): void {
    this.mutations++;
    mutator();
  }
}

/** The references of a layout are checked when it is parsed; that a region shows itself is found only here. */
function inDocument({ file, code }: DocumentSource, error: unknown): unknown {
  const ofLayout =
    error instanceof MemoryError && (error.code === 'ALIAS_CYCLE' || error.code.startsWith('RENDER_'));
  return ofLayout ? new MemoryError(code, `${file}: ${error.message}`, { cause: error }) : error;
}

/** Whether mutators can make `region` what `record` says. */
function isReachable(region: MemoryRegion, record: RegionRecord, target: MemoryRegion | null): boolean {
  const fixedSize = region.isRam || region.kind === 'rom-device'; // its bytes were allocated
  return (
    region.kind === record.kind &&
    region.name === record.name &&
    region.owner === record.owner &&
    region.aliasTarget === target &&
    (!fixedSize || region.size === record.size)
  );
}

const wantedChildren = (next: Next, record: RegionRecord): WantedChild[] =>
  record.children.map(({ id, offset, priority }) => ({ region: next.regions.get(id)!, offset, priority }));

/** Names may repeat, so an address space is recognised by name and root, and what is left by name alone. */
function matchAddressSpaces(
  served: readonly Served[],
  wanted: readonly AddressSpaceRecord[],
): { matches: Map<AddressSpaceRecord, Served>; left: ReadonlySet<Served> } {
  const left = new Set(served);
  const matches = new Map<AddressSpaceRecord, Served>();
  const byNameAndRoot = (record: AddressSpaceRecord): string => JSON.stringify([record.name, record.root]);
  for (const keyOf of [byNameAndRoot, (record: AddressSpaceRecord): string => record.name]) {
    const candidates = new Map<string, Served[]>();
    for (const candidate of [...left].reverse()) {
      const key = keyOf(candidate.record);
      const sameKey = candidates.get(key);
      if (sameKey === undefined) candidates.set(key, [candidate]);
      else sameKey.push(candidate);
    }
    for (const record of wanted) {
      const match = matches.has(record) ? undefined : candidates.get(keyOf(record))?.pop();
      if (match === undefined) continue;
      matches.set(record, match);
      left.delete(match);
    }
  }
  return { matches, left };
}
