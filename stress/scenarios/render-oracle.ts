/**
 * A tree changes at random, and after each transaction the published view is compared, range by range, with what
 * the literal rule makes of the same tree; the control thread's port and the vCPUs compare what the map leads to.
 */
import { hiFromAddress, loFromAddress } from '../../src/base/addresses.ts';
import { MEMTX_DECODE_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import type { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { transaction } from '../../src/model/transaction.ts';
import type { FlatRange } from '../../src/render/flat-view.ts';
import { type Bed, sharedWords } from '../bed.ts';
import { answerAt, type LiteralRange, rangesOf } from '../literal-view.ts';
import type { TreeJob } from '../programs/tree-reader.ts';
import { RandomTree, ROOT, type TreeChange, type TreeRegion, treeWord } from '../random-tree.ts';
import type { Scenario } from '../scenario.ts';
import { INTENT, SHUFFLE_WORDS } from '../shuffle.ts';

const program = new URL('../programs/tree-reader.ts', import.meta.url);

/** The tree as regions; those of higher index first, for aliases show them. */
function regionsOf(bed: Bed, tree: RandomTree): readonly MemoryRegion[] {
  const regions: MemoryRegion[] = [];
  for (let index = tree.regions.length - 1; index >= 0; index -= 1)
    regions[index] = regionOf(bed, index, tree.regions[index]!, regions);
  return regions;
}

function regionOf(
  bed: Bed,
  index: number,
  { kind, size, target, aliasOffset }: TreeRegion,
  made: readonly MemoryRegion[],
): MemoryRegion {
  const name = nameOf(index);
  if (target !== null) return MemoryRegion.alias(name, made[target]!, aliasOffset, size);
  if (kind === 'container') return MemoryRegion.container(name, size);
  const ram = MemoryRegion.ram(name, size);
  const content = Int32Array.from({ length: Number(size) / 4 }, (_, word) => treeWord(index, 4 * word));
  bed.machine.writeRam(ram, 0, new Uint8Array(content.buffer));
  return ram;
}

const nameOf = (index: number): string => `r${index}`;

function perform(change: TreeChange, regions: readonly MemoryRegion[]): void {
  const region = regions[change.region]!;
  if (change.what === 'map') {
    const { parent, address, priority } = change.place;
    regions[parent]!.addSubregionOverlap(address, region, priority);
  } else if (change.what === 'unmap') region.container!.delSubregion(region);
  else if (change.what === 'move') region.setAddress(change.address);
  else if (change.what === 'resize') region.setSize(change.size);
  else if (change.what === 'turn') region.setAliasOffset(change.aliasOffset);
  else if (change.flag === 'enabled') region.setEnabled(change.value);
  else if (change.flag === 'readonly') region.setReadonly(change.value);
  else if (change.flag === 'nonvolatile') region.setNonvolatile(change.value);
  else region.setUnmergeable(change.value);
}

class Judge {
  private readonly bed: Bed;
  private readonly tree: RandomTree;
  private readonly space: AddressSpace;

  constructor(bed: Bed, tree: RandomTree, space: AddressSpace) {
    this.bed = bed;
    this.tree = tree;
    this.space = space;
  }

  judge(): void {
    const { bed, tree, space } = this;
    const expected = rangesOf(tree);
    const shown = bed.machine.flatViewOf(space).ranges;
    const count = Math.max(expected.length, shown.length);
    const texts = { expected: expected.map(literalText), shown: shown.map(rangeText) };
    for (let index = 0; index < count; index += 1) {
      if (texts.expected[index] === texts.shown[index]) continue;
      const what = `expected ${texts.expected[index] ?? 'no more'}, shown is ${texts.shown[index] ?? 'no more'}`;
      bed.violation(`layout ${tree.step}, range ${index}: ${what}`);
      break;
    }
    for (const { start, size } of expected)
      for (const address of [start - 4n, start, start + size - 4n, start + size]) this.load(address);
    bed.checked(count + 4 * expected.length);
  }

  /** What the map leads to, by the control thread's port. */
  private load(at: bigint): void {
    const { bed, tree, space } = this;
    const address = BigInt.asUintN(64, at);
    const answer = answerAt(tree, address);
    const port = bed.machine.memory(space);
    const value = port.load32(hiFromAddress(address), loFromAddress(address));
    const expected = answer === null ? 0 : treeWord(answer.region, Number(answer.offset));
    if (value === expected && port.result === (answer === null ? MEMTX_DECODE_ERROR : MEMTX_OK)) return;
    bed.violation(
      `layout ${tree.step}: the map leads at 0x${address.toString(16)} to 0x${(value >>> 0).toString(16)} with ` +
        `result ${port.result}, expected ${answer === null ? 'a hole' : `0x${expected.toString(16)}`}`,
    );
  }
}

interface Shown extends Pick<LiteralRange, 'start' | 'size' | 'readonly' | 'nonvolatile' | 'unmergeable'> {
  readonly name: string;
  readonly offset: bigint;
}

const literalText = (range: LiteralRange): string => shownText({ ...range, name: nameOf(range.region) });
const rangeText = (range: FlatRange): string =>
  shownText({ ...range, name: range.region.name, offset: range.offsetInRegion });

function shownText({ start, size, name, offset, readonly, nonvolatile, unmergeable }: Shown): string {
  const flags = `${readonly ? ' readonly' : ''}${nonvolatile ? ' nv' : ''}${unmergeable ? ' unmergeable' : ''}`;
  return `0x${start.toString(16)} size 0x${size.toString(16)} ${name}+0x${offset.toString(16)}${flags}`;
}

export const renderOracle: Scenario = {
  name: 'render-oracle',
  property: 'after each transaction the view and its map are what the literal rule makes of the tree',
  seconds: 4,
  async run(bed) {
    const machine = bed.open();
    const tree = new RandomTree(bed.seed);
    const regions = regionsOf(bed, tree);
    transaction(() => {
      for (const change of tree.initial) perform(change, regions);
    });
    machine.layoutTag = 0;
    const space = machine.addAddressSpace('memory', regions[ROOT]!);
    const judge = new Judge(bed, tree, space);
    judge.judge();
    const words = sharedWords(SHUFFLE_WORDS);
    const job: TreeJob = { seed: bed.seed };
    for (let vcpu = 0; vcpu < bed.vcpuCount; vcpu += 1) bed.start(program, job, { words });
    await bed.up();
    while (!bed.timeIsUp) {
      const changes = tree.next();
      machine.layoutTag = tree.step;
      Atomics.store(words, INTENT, tree.step);
      await bed.commit(() => {
        for (const change of changes) perform(change, regions);
      });
      judge.judge();
    }
    return `${tree.step} random transactions judged`;
  },
};
