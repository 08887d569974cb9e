/** What a port hands out that lives on beyond its checkpoints: mappings, caches, holds. One thread's own. */
import { cellWord } from '../layout/map-entry.ts';
import { SECTION_FLAG_READONLY, SECTION_FLAGS } from '../layout/section-record.ts';
import { directWindow } from './direct-window.ts';
import { MemoryMap, refuseLength } from './memory-map.ts';
import { MemoryRegionCache } from './memory-region-cache.ts';
import { reach } from './reach.ts';
import { SlowAccess } from './slow-access.ts';
import type { ThreadHolds } from './thread-holds.ts';
import { ViewHold } from './view-hold.ts';
import type { PortMemory } from './view-reader.ts';

export class PortHolds {
  readonly mappings: MemoryMap;
  private readonly memory: PortMemory;
  private readonly addressSpace: number;
  private readonly slow: SlowAccess;
  private readonly holds: ThreadHolds;
  /** On the view that was held last: what is made of one layout shares its TLB. */
  private pinned: SlowAccess | null = null;

  constructor(memory: PortMemory, addressSpace: number, slow: SlowAccess) {
    this.memory = memory;
    this.addressSpace = addressSpace;
    this.slow = slow;
    this.holds = memory.holds;
    this.mappings = new MemoryMap(slow, addressSpace, memory.holds);
  }

  hold(): ViewHold {
    return new ViewHold(this.pinnedNow(), this.holds.views);
  }

  /** An IOMMU, a device or a hole is spanned to the end of its section; memory as far as its bytes go on. */
  cache(hi: number, lo: number, length: number, isWrite: boolean): MemoryRegionCache {
    refuseLength(length);
    const { slow } = this;
    const wanted = Math.min(length, 2 ** 32);
    const window = directWindow(slow, hi, lo, wanted, isWrite);
    const cell = slow.lookup(hi, lo);
    const spanned = window?.length ?? reach(slow, cell, hi, lo, wanted);
    const bytes = window === null ? null : { ram: slow.ram.get(window.buffer), byte: window.byte };
    const isReadonly = (slow.arena[cellWord(cell) + SECTION_FLAGS]! & SECTION_FLAG_READONLY) !== 0;
    return new MemoryRegionCache(this.hold(), { hi, lo, length: spanned, isWrite, isReadonly }, bytes);
  }

  registerMapClient(callback: () => void): () => void {
    return this.holds.clients.register(this.addressSpace, callback);
  }

  /** Accesses that stay on the view that the port uses now. */
  private pinnedNow(): SlowAccess {
    if (this.pinned?.isLike(this.slow) === true) return this.pinned;
    const pinned = new SlowAccess(this.memory, this.addressSpace, this.slow.devices, this.slow.paths);
    pinned.stayOn(this.slow);
    this.pinned = pinned;
    return pinned;
  }
}
