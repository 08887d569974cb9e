/**
 * Text in the format of QEMU 7.2's `info mtree` and `info mtree -f`. QEMU prints sections in the order of a
 * hash; here they are ordered by the names of their address spaces.
 */
import { ADDRESS_LAST, paddedHexFromAddress } from '../base/addresses.ts';
import type { AddressSpace } from '../model/address-space.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import { renderAddressSpaces } from '../render/address-space-views.ts';
import { type FlatRange, rangeType } from '../render/flat-view.ts';

export interface MtreeOptions {
  /** -D: also the lines of disabled regions; without it only their children appear, one level deeper. */
  readonly showDisabled?: boolean;
  /** -o: who owns each region. */
  readonly showOwners?: boolean;
}

/** The trees below each root, then once each region that is the target of an alias. */
export function printMtree(spaces: Iterable<AddressSpace>, options: MtreeOptions = {}): string {
  const printer = new TreePrinter(options);
  for (const { root, names } of spacesByRoot(spaces)) {
    for (const name of names) printer.lines.push(`address-space: ${name}`);
    printer.section(root);
  }
  for (const target of printer.targets) {
    printer.lines.push(`memory-region: ${target.name}`);
    printer.section(target);
  }
  return printer.lines.map((line) => `${line}\n`).join('');
}

/** The flat views, each once with the address spaces that share it. */
export function printFlatViews(spaces: Iterable<AddressSpace>, options: MtreeOptions = {}): string {
  const views = renderAddressSpaces(byName(spaces));
  const blocks = views.map(({ spaces: sharing, view }, index) => [
    `FlatView #${index}`,
    ...sharing.map((space) => ` AS "${space.name}", root: ${rootDescription(space.root)}`),
    ` Root memory region: ${view.root?.name ?? '(none)'}`,
    ...(view.ranges.length > 0
      ? view.ranges.map((range) => rangeLine(range, options))
      : ['  No rendered FlatView']),
    '',
  ]);
  return blocks.flatMap((lines) => lines.map((line) => `${line}\n`)).join('');
}

function rangeLine(range: FlatRange, { showOwners = false }: MtreeOptions): string {
  const { region, start, size, offsetInRegion } = range;
  const offset = offsetInRegion === 0n ? '' : ` @${paddedHexFromAddress(offsetInRegion)}`;
  const owner = showOwners ? ownerSuffix(region) : '';
  const place = addressPair(start, start + size - 1n);
  return `  ${place} (prio ${region.priority}, ${rangeType(range)}): ${region.name}${offset}${owner}`;
}

const rootDescription = (root: MemoryRegion | null): string =>
  root === null
    ? '(none)'
    : root.aliasTarget === null
      ? root.name
      : `${root.name}, alias ${root.aliasTarget.name}`;

const byName = (spaces: Iterable<AddressSpace>): AddressSpace[] =>
  [...spaces].sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));

function spacesByRoot(spaces: Iterable<AddressSpace>): { root: MemoryRegion | null; names: string[] }[] {
  const namesByRoot = new Map<MemoryRegion | null, string[]>();
  for (const { root, name } of byName(spaces)) {
    const names = namesByRoot.get(root);
    if (names === undefined) namesByRoot.set(root, [name]);
    else names.push(name);
  }
  return [...namesByRoot].map(([root, names]) => ({ root, names }));
}

class TreePrinter {
  readonly lines: string[] = [];
  /** Alias targets in the order in which they were met; grows while sections are printed. */
  readonly targets = new Set<MemoryRegion>();
  private readonly options: MtreeOptions;
  private overflowTags = '';

  constructor(options: MtreeOptions) {
    this.options = options;
  }

  section(root: MemoryRegion | null): void {
    if (root !== null) this.region(root, 1, 0n);
    this.lines.push(this.overflowTags);
    this.overflowTags = '';
  }

  private region(region: MemoryRegion, level: number, base: bigint): void {
    const start = BigInt.asUintN(64, base + region.address);
    const last = BigInt.asUintN(64, start + lastOffset(region));
    // QEMU prints the tag even where it hides the line, so it may end up before a later one.
    if (base + region.address > ADDRESS_LAST || start + lastOffset(region) > ADDRESS_LAST) {
      this.overflowTags += '[DETECTED OVERFLOW!] ';
    }
    if (region.aliasTarget !== null) this.targets.add(region.aliasTarget);
    if (region.enabled || this.options.showDisabled === true) {
      const tail = `${region.enabled ? '' : ' [disabled]'}${this.options.showOwners === true ? ownerSuffix(region) : ''}`;
      const type = `${region.nonvolatile ? 'nv-' : ''}${regionType(region)}`;
      const line = `${addressPair(start, last)} (prio ${region.priority}, ${type}): ${description(region)}${tail}`;
      this.lines.push(`${this.overflowTags}${'  '.repeat(level)}${line}`);
      this.overflowTags = '';
    }
    for (const child of inAddressOrder(region.children)) this.region(child, level + 1, start);
  }
}

const addressPair = (start: bigint, last: bigint): string =>
  `${paddedHexFromAddress(start)}-${paddedHexFromAddress(last)}`;

/** A region of size 0 is printed like one of size 1. */
const lastOffset = (region: MemoryRegion): bigint => (region.size === 0n ? 0n : region.size - 1n);

function description(region: MemoryRegion): string {
  const target = region.aliasTarget;
  if (target === null) return region.name;
  const last = BigInt.asUintN(64, region.aliasOffset + lastOffset(region));
  return `alias ${region.name} @${target.name} ${addressPair(region.aliasOffset, last)}`;
}

function regionType(region: MemoryRegion): string {
  let shown = region;
  while (shown.aliasTarget !== null) shown = shown.aliasTarget;
  if (shown.kind === 'rom-device' && shown.romd) return 'romd';
  if (shown.kind === 'ram-device') return 'ramd';
  if (shown.kind !== 'ram') return 'i/o';
  return shown.readonly ? 'rom' : 'ram';
}

/** By address, then priority descending, then list order. */
const inAddressOrder = (children: readonly MemoryRegion[]): MemoryRegion[] =>
  children.toSorted((a, b) => {
    if (a.address !== b.address) return a.address < b.address ? -1 : 1;
    return b.priority - a.priority;
  });

/** A captured owner is the text that QEMU printed; any other text is shown as a device's id. */
function ownerSuffix({ owner }: MemoryRegion): string {
  if (owner === null) return ' orphan';
  if (typeof owner !== 'string') return ` owner:{obj path=${owner.path}}`;
  return /^(owner|parent):\{|^orphan$/.test(owner) ? ` ${owner}` : ` owner:{dev id=${owner}}`;
}
