/**
 * Finds RAM that stays where it is in every layout of a churn plan, and shares it out: blocks for each vCPU,
 * counters for all. See private-memory.ts for what is done there.
 */
import { hiFromAddress, loFromAddress } from '../base/addresses.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import type { CellBook } from './cell-book.ts';
import type { Oracle } from './oracle.ts';
import { BLOCK_BYTES, type PrivatePlaces } from './private-memory.ts';
import type { Random } from './random.ts';
import type { RegionWindow } from './windows.ts';

/** EXTENT_BYTES of one RAM region at an address that is a multiple of that. */
export interface PrivateExtent {
  readonly address: bigint;
  readonly region: MemoryRegion;
  readonly offset: bigint;
}

const PAGE_BYTES = 4096n;
/** Two pages, so that a block can lie across their border. */
const EXTENT_BYTES = 2n * PAGE_BYTES;
const CANDIDATES = 48;
const COUNTERS = 8;
const BLOCKS_EACH = 8;
const BLOCK_STRIDE = 32;
const BLOCKS_PER_EXTENT = 200;

interface Place {
  readonly extent: PrivateExtent;
  readonly at: bigint;
}

export class PrivateRam {
  private readonly blocks: readonly Place[];
  private readonly counters: readonly Place[];
  private readonly vcpus: number;

  constructor(found: readonly PrivateExtent[], vcpus: number) {
    this.vcpus = vcpus;
    const extents = withoutAliases(found);
    const count = Math.min(vcpus * BLOCKS_EACH, extents.length * BLOCKS_PER_EXTENT);
    this.blocks = Array.from({ length: count }, (_, index) => {
      const round = Math.floor(index / extents.length);
      const at = round === 0 ? PAGE_BYTES - BigInt(BLOCK_BYTES / 2) : BigInt(64 + BLOCK_STRIDE * (round - 1));
      return { extent: extents[index % extents.length]!, at: round < 120 ? at : at + PAGE_BYTES - 3776n };
    });
    const [first] = extents;
    this.counters =
      first === undefined
        ? []
        : Array.from({ length: COUNTERS }, (_, index) => ({ extent: first, at: BigInt(4 * index) }));
  }

  /** Extents to try, spread over the RAM of an address space. */
  static candidates(windows: readonly RegionWindow[], random: Random): PrivateExtent[] {
    const extents = new Map<bigint, PrivateExtent>();
    const large = windows.filter(({ first, last }) => last - first >= 4n * EXTENT_BYTES);
    for (let count = 0; count < CANDIDATES && large.length > 0; count += 1) {
      const { region, first, last } = large[count % large.length]!;
      const distance = Number(last - first) * ((random.next() >>> 0) / 2 ** 32);
      const address = (first + BigInt(Math.floor(distance))) & ~(EXTENT_BYTES - 1n);
      extents.set(address, { address, region, offset: -1n });
    }
    return [...extents.values()];
  }

  /** Those that show the same plain RAM as when they were looked at first. */
  static stillThere(extents: readonly PrivateExtent[], oracle: Oracle): PrivateExtent[] {
    return extents.flatMap((extent) => {
      const { region, offset, readonly, last } = oracle.at(extent.address);
      if (region?.kind !== 'ram' || readonly || last - extent.address < EXTENT_BYTES - 1n) return [];
      if ((offset & 7n) !== 0n) return [];
      if (extent.offset === -1n) return [{ ...extent, region, offset }];
      return region === extent.region && offset === extent.offset ? [extent] : [];
    });
  }

  /** Keeps the verified words away from the private ones. */
  reserveIn(book: CellBook): void {
    for (const { extent, at } of this.blocks) book.reserve(extent.region, extent.offset + at, BLOCK_BYTES);
    for (const { extent, at } of this.counters) book.reserve(extent.region, extent.offset + at, 4);
  }

  placesFor(vcpu: number): PrivatePlaces {
    const own = this.blocks.filter((_, index) => index % this.vcpus === vcpu);
    return { blocks: own.map(halvesOf), counters: this.counters.map(halvesOf) };
  }

  /** Where the counters are in their region, in order. */
  counterWords(): readonly { readonly region: MemoryRegion; readonly offset: bigint }[] {
    return this.counters.map(({ extent, at }) => ({ region: extent.region, offset: extent.offset + at }));
  }
}

/** One extent where several addresses show the same bytes, or parts of them. */
function withoutAliases(extents: readonly PrivateExtent[]): PrivateExtent[] {
  const kept: PrivateExtent[] = [];
  for (const extent of extents) {
    const isFree = kept.every(({ region, offset }) => {
      const distance = offset - extent.offset;
      return region !== extent.region || distance >= EXTENT_BYTES || -distance >= EXTENT_BYTES;
    });
    if (isFree) kept.push(extent);
  }
  return kept;
}

function halvesOf({ extent, at }: Place): readonly [hi: number, lo: number] {
  const address = extent.address + at;
  return [hiFromAddress(address), loFromAddress(address)];
}
