/**
 * An address space as one thread sees it, by addresses that are numbers or bigints: what QEMU calls
 * address_space_read, write, set, write_rom, access_valid. The fast loads and stores by halves are MemoryPort's.
 * Guarantee: between two quiescent states of its reader every access is answered by one and the same
 * layout, the one taken by the last refresh().
 */
import { addressFromHalves, hiFromAddress, loFromAddress } from '../base/addresses.ts';
import { describeValue, functionFromArgument, invalidArgument } from '../base/arguments.ts';
import type { MemoryError } from '../base/errors.ts';
import type { GuestMemory, MemoryMapping } from '../base/guest-memory.ts';
import type { MemTxAttrs } from '../base/mem-tx-attrs.ts';
import { MEMTX_OK, type MemTxResult } from '../base/mem-tx-result.ts';
import {
  type Address,
  addressHi,
  addressLo,
  refuseLongLength,
  refuseNoBytes,
  refuseNoNumber,
} from './address.ts';
import { probe, readBytes, writeBytes, writeRom } from './bulk.ts';
import type { DeviceCalls } from './device-calls.ts';
import { iotlbEntry, type PortIotlbEntry } from './iotlb-entry.ts';
import type { MemoryRegionCache } from './memory-region-cache.ts';
import { PortHolds } from './port-holds.ts';
import { type SectionCopy, sectionFrom } from './section-list.ts';
import { SlowAccess } from './slow-access.ts';
import type { ViewHold } from './view-hold.ts';
import type { PortMemory } from './view-reader.ts';

const FILL_BYTES = 65_536;

export abstract class AddressSpacePort implements GuestMemory {
  /** MemTxResult of the last access: MEMTX_OK, or an OR of MEMTX_* bits over its pieces. */
  result: MemTxResult = MEMTX_OK;
  /** Upper half of the value of the last 64-bit load, as int32. */
  high = 0;
  declare protected readonly slow: SlowAccess; // declared: see MemoryPort
  declare private readonly holds: PortHolds;

  /** @param addressSpace index that the machine gave to it; call refresh() before the first access */
  constructor(memory: PortMemory, addressSpace: number, devices: DeviceCalls) {
    this.slow = new SlowAccess(memory, addressSpace, devices);
    this.holds = new PortHolds(memory, addressSpace, this.slow);
  }

  /** Takes the published layout. Its reader must have announced, or come online, just before. */
  refresh(): void {
    this.slow.refresh();
  }

  /** Drops the TLB: dirty bits were cleared, and stores must look at them again. */
  disarm(): void {
    this.slow.disarm();
  }

  /** For CodeWatch: see ViewReader. */
  codePage(hi: number, lo: number): number {
    return this.slow.codePage(hi | 0, lo | 0);
  }

  /** Lets go of the layout: nothing is mapped until the next refresh(). For a reader that goes offline. */
  forget(): void {
    this.slow.forget();
  }

  /** The machine's layoutTag when the layout in use was made. */
  get layoutTag(): number {
    return this.slow.layoutTag;
  }

  /**
   * How often an address had to be looked up in the map, modulo 2^32: all other accesses were answered by what the
   * port remembers. Not counted: what an IOMMU leads to.
   */
  get walks(): number {
    return this.slow.walks;
  }

  /** Attributes of the accesses that follow; MEMTXATTRS_UNSPECIFIED until set. */
  get attrs(): MemTxAttrs {
    return this.slow.attrs;
  }
  set attrs(attrs: MemTxAttrs) {
    refuseNoNumber('attrs', attrs);
    this.slow.setAttrs(attrs | 0);
  }

  abstract load8(hi: number, lo: number): number;
  abstract load16(hi: number, lo: number): number;
  abstract load32(hi: number, lo: number): number;
  abstract load64(hi: number, lo: number): number;
  abstract store8(hi: number, lo: number, value: number): void;
  abstract store16(hi: number, lo: number, value: number): void;
  abstract store32(hi: number, lo: number, value: number): void;
  abstract store64(hi: number, lo: number, valueHi: number, valueLo: number): void;

  /**
   * `size` bytes at `address`, little-endian, unsigned.
   * @throws MemoryError INVALID_ARGUMENT for what is no address, no size or no value; so do all below
   */
  read(address: Address, size: 1 | 2 | 4): number {
    const hi = addressHi(address);
    const lo = addressLo(address);
    if (size === 4) return this.load32(hi, lo) >>> 0;
    if (size === 2) return this.load16(hi, lo);
    if (size === 1) return this.load8(hi, lo);
    throw otherSize(size);
  }

  /** 64 bits at `address`, unsigned. */
  readBig(address: Address): bigint {
    const low = this.load64(addressHi(address), addressLo(address));
    return addressFromHalves(this.high, low);
  }

  write(address: Address, size: 1 | 2 | 4, value: number): void {
    const hi = addressHi(address);
    const lo = addressLo(address);
    refuseNoNumber('the value', value);
    if (size === 4) this.store32(hi, lo, value);
    else if (size === 2) this.store16(hi, lo, value);
    else if (size === 1) this.store8(hi, lo, value);
    else throw otherSize(size);
  }

  writeBig(address: Address, value: bigint): void {
    if (typeof value !== 'bigint')
      throw invalidArgument('an access', `the value must be a bigint, got ${describeValue(value)}`);
    this.store64(addressHi(address), addressLo(address), hiFromAddress(value), loFromAddress(value));
  }

  /**
   * Fills `into` from `address` on, over all sections on the way; errors do not stop it. Devices are read in
   * accesses of the size that they take; holes give zeros.
   * @source QEMU address_space_read
   */
  readBytes(address: Address, into: Uint8Array): MemTxResult {
    refuseNoBytes(into);
    this.result = readBytes(this.slow, addressHi(address), addressLo(address), into);
    return this.result;
  }

  /** Writes all of `from`. Unlike a store, it reports read-only memory: dropped, MEMTX_DECODE_ERROR. */
  writeBytes(address: Address, from: Uint8Array): MemTxResult {
    refuseNoBytes(from);
    this.result = writeBytes(this.slow, addressHi(address), addressLo(address), from);
    return this.result;
  }

  /** Writes `length` times the byte `value`; at most 2^32 times. @source QEMU address_space_set */
  fill(address: Address, value: number, length: number): MemTxResult {
    addressHi(address);
    refuseNoNumber('the value', value);
    refuseLongLength(length);
    const chunk = new Uint8Array(Math.min(length, FILL_BYTES)).fill(value);
    let result = MEMTX_OK;
    for (let done = 0; done < length; done += chunk.length) {
      const at = BigInt.asUintN(64, BigInt(address) + BigInt(done));
      result |= this.writeBytes(at, chunk.subarray(0, Math.min(chunk.length, length - done)));
    }
    this.result = result;
    return result;
  }

  /**
   * Writes RAM, ROM and ROM devices in ROM mode, whoever may write them; leaves devices and holes out, without
   * an error. For loaders. @source QEMU address_space_write_rom
   */
  writeRom(address: Address, from: Uint8Array): void {
    refuseNoBytes(from);
    writeRom(this.slow, addressHi(address), addressLo(address), from);
    this.result = MEMTX_OK;
  }

  /** Whether a bulk read or write of `length` bytes, at most 2^32, would be taken whole. Reads and writes nothing. */
  accessValid(address: Address, length: number, isWrite: boolean): boolean {
    refuseLongLength(length);
    return probe(this.slow, addressHi(address), addressLo(address), length, isWrite) === MEMTX_OK;
  }

  /** Whether `address` leads to a device's callbacks, or nowhere, as opposed to bytes. */
  isIo(address: Address): boolean {
    return this.slow.isIo(addressHi(address), addressLo(address));
  }

  /**
   * Where an access at `address` ends, through all IOMMUs on the way; null where it does not pass, or nothing
   * answers. It holds until the next refresh().
   */
  iotlbEntry(address: Address, isWrite: boolean): PortIotlbEntry | null {
    return iotlbEntry(this.slow, addressFromHalves(addressHi(address), addressLo(address)), isWrite);
  }

  /**
   * Memory at `address` to work on in place: the bytes of RAM themselves, as far as they go on, which stay what
   * they are until unmap(), also over checkpoints and changes of the layout. Where something else answers, a copy
   * within the address space's bounce budget, filled if it is for reads; null if the budget has no byte left.
   * For reads or for writes, never both. `result` is that of filling the copy.
   * @throws MemoryError INVALID_ARGUMENT for a length below 1; VIEW_HOLDS_EXHAUSTED, BOUNCE_SPACES_EXHAUSTED
   * @source QEMU address_space_map
   */
  map(address: Address, length: number, isWrite: boolean): MemoryMapping | null {
    const mapping = this.holds.mappings.map(addressHi(address), addressLo(address), length, isWrite);
    this.result = mapping?.isBounce === true ? this.slow.result : MEMTX_OK;
    return mapping;
  }

  /**
   * Ends a mapping. Of a copy for writes, `accessedLength` bytes, by default all, are written back, with the
   * attributes of map(), and the result of that is returned.
   * @throws MemoryError MAPPING_ENDED for what this port has not mapped now; INVALID_ARGUMENT; the mapping stays
   */
  unmap(mapping: MemoryMapping, accessedLength?: number): MemTxResult {
    this.result = this.holds.mappings.unmap(mapping, accessedLength);
    return this.result;
  }

  /**
   * Calls `callback` once, in this thread, when the address space has bounce bytes left: at once if it has, else
   * at a checkpoint of the vCPU, or from the event loop of other threads. Returns how to take it back.
   * @source QEMU address_space_register_map_client
   */
  registerMapClient(callback: () => void): () => void {
    return this.holds.registerMapClient(
      functionFromArgument('registerMapClient()', 'the callback', callback),
    );
  }

  /**
   * A window onto up to `length` bytes from `address` on for repeated accesses by offset; it shows the layout of
   * now until it is destroyed. Look at its `length`: it ends where something else follows.
   * @throws MemoryError INVALID_ARGUMENT for a length below 1; VIEW_HOLDS_EXHAUSTED
   * @source QEMU address_space_cache_init
   */
  cache(address: Address, length: number, isWrite: boolean): MemoryRegionCache {
    return this.holds.cache(addressHi(address), addressLo(address), length, isWrite);
  }

  /**
   * A counted reference on the layout in use, to look at and to access after later ones were published.
   * @throws MemoryError VIEW_HOLDS_EXHAUSTED if this thread holds too many different layouts
   * @source QEMU address_space_get_flatview
   */
  holdView(): ViewHold {
    return this.holds.hold();
  }

  /** A copy of the section at `address`; null where nothing is mapped. */
  sectionAt(address: Address): SectionCopy | null {
    const { slow } = this;
    return sectionFrom(slow.arena, slow.lookup(addressHi(address), addressLo(address)));
  }

  /**
   * Calls `visit` with a copy of each section of the layout in use, by ascending address, until it returns true.
   * Returns whether it did. @source QEMU flatview_for_each_range
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing has this type
  forEachSection(visit: (section: SectionCopy) => boolean | void): boolean {
    functionFromArgument('forEachSection()', 'visit', visit);
    const hold = this.holdView();
    try {
      return hold.forEachSection(visit);
    } finally {
      hold.release();
    }
  }
}

const otherSize = (size: unknown): MemoryError =>
  invalidArgument(
    'an access',
    `size must be 1, 2 or 4, got ${describeValue(size)}; use readBig and writeBig for 8`,
  );
