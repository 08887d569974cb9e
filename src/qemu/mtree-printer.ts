/**
 * Text in the format of QEMU 7.2's `info mtree` and `info mtree -f`. QEMU prints sections in the order of a
 * hash; here they are ordered by the names of their address spaces.
 */
import { paddedHexFromAddress } from '../base/addresses.ts';
import { describeValue, invalidArgument, optionsFromArgument } from '../base/arguments.ts';
import { type AddressSpace, requireAddressSpace } from '../model/address-space.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import { renderAddressSpaces, type SharedView } from '../render/address-space-views.ts';
import { type FlatRange, type FlatView, rangeType } from '../render/flat-view.ts';
import { dispatchLines } from './dispatch-printer.ts';
import { dispatchTreeOf } from './dispatch-tree.ts';
import { type HierarchyNode, hierarchyOf, inOrderOfNames, lastOffset, regionType } from './hierarchy.ts';
import type { FlatViewOptions, MtreeOptions } from './mtree-options.ts';
import { ownerSuffix } from './region-owner.ts';

/**
 * What QEMU 7.2's `info mtree` would print: the tree below each root, then once below each region that is the target
 * of an alias. The tree is read as it stands, also in the middle of a transaction.
 * @throws MemoryError RENDER_TOO_DEEP, RENDER_TOO_LARGE
 * @source QEMU 7.2, `info mtree`, `-D`, `-o`
 */
export function printMtree(spaces: Iterable<AddressSpace>, options: MtreeOptions = {}): string {
  const lines: string[] = [];
  for (const { addressSpaces, root } of hierarchyOf(spacesFrom(spaces, options))) {
    for (const name of addressSpaces) lines.push(`address-space: ${name}`);
    if (addressSpaces.length === 0) lines.push(`memory-region: ${root!.region.name}`);
    const printer = new TreePrinter(lines, options);
    if (root !== null) printer.print(root, 1);
    lines.push(printer.pendingTags);
  }
  return textOf(lines);
}

/**
 * What QEMU 7.2's `info mtree -f` would print: the flat views, each once with the address spaces that share it,
 * rendered from the tree as it stands.
 * @throws MemoryError RENDER_TOO_DEEP, RENDER_TOO_LARGE; INVALID_ARGUMENT for dispatchPageBits out of bounds
 * @source QEMU 7.2, `info mtree -f`, `-o`, `-d`
 */
export const printFlatViews = (spaces: Iterable<AddressSpace>, options: FlatViewOptions = {}): string =>
  printSharedViews(renderAddressSpaces(inOrderOfNames(spacesFrom(spaces, options))), options);

/** The same of views that are there already, in the order given. */
export function printSharedViews(views: readonly SharedView[], options: FlatViewOptions = {}): string {
  const lines = views.flatMap(({ spaces: sharing, view }, index) => [
    `FlatView #${index}`,
    ...sharing.map((space) => ` AS "${space.name}", root: ${rootDescription(space.root)}`),
    ` Root memory region: ${view.root?.name ?? '(none)'}`,
    ...contents(view, options),
    '',
  ]);
  return textOf(lines);
}

/** @throws MemoryError INVALID_ARGUMENT */
function spacesFrom(spaces: Iterable<AddressSpace>, options: object): AddressSpace[] {
  const where = 'printing';
  optionsFromArgument(where, options);
  if (typeof (spaces as Iterable<AddressSpace> | null | undefined)?.[Symbol.iterator] !== 'function')
    throw invalidArgument(where, `give an array of address spaces, got ${describeValue(spaces)}`);
  const listed = [...spaces];
  for (const space of listed) requireAddressSpace(where, space);
  return listed;
}

function contents(view: FlatView, { showOwners = false, dispatchPageBits }: FlatViewOptions): string[] {
  if (view.ranges.length === 0) return ['  No rendered FlatView'];
  const lines = view.ranges.map((range) => rangeLine(range, showOwners));
  if (dispatchPageBits === undefined) return lines;
  return [...lines, ...dispatchLines(dispatchTreeOf(view, dispatchPageBits))];
}

function rangeLine(range: FlatRange, showOwners: boolean): string {
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

class TreePrinter {
  /** QEMU prints the tag of an overflow even where it hides the line, so it may end up before a later one. */
  pendingTags = '';
  private readonly lines: string[];
  private readonly options: MtreeOptions;

  constructor(lines: string[], options: MtreeOptions) {
    this.lines = lines;
    this.options = options;
  }

  print({ region, start, last, overflows, children }: HierarchyNode, level: number): void {
    if (overflows) this.pendingTags += '[DETECTED OVERFLOW!] ';
    if (region.enabled || this.options.showDisabled === true) {
      const tail = `${region.enabled ? '' : ' [disabled]'}${this.options.showOwners === true ? ownerSuffix(region) : ''}`;
      const line = `${addressPair(start, last)} (prio ${region.priority}, ${regionType(region)}): ${description(region)}`;
      this.lines.push(`${this.pendingTags}${'  '.repeat(level)}${line}${tail}`);
      this.pendingTags = '';
    }
    for (const child of children) this.print(child, level + 1);
  }
}

const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

const addressPair = (start: bigint, last: bigint): string =>
  `${paddedHexFromAddress(start)}-${paddedHexFromAddress(last)}`;

function description(region: MemoryRegion): string {
  const target = region.aliasTarget;
  if (target === null) return region.name;
  const last = BigInt.asUintN(64, region.aliasOffset + lastOffset(region));
  return `alias ${region.name} @${target.name} ${addressPair(region.aliasOffset, last)}`;
}
