/**
 * An address space as one thread sees it, by addresses that are numbers or bigints: what QEMU calls
 * address_space_read, write, set, write_rom, access_valid. The fast loads and stores by halves are MemoryPort's.
 * Guarantee: between two quiescent states of its reader every access is answered by one and the same
 * layout, the one taken by the last refresh().
 */
import { addressFromHalves, hiFromAddress, loFromAddress } from '../base/addresses.ts';
import type { GuestMemory } from '../base/guest-memory.ts';
import type { MemTxAttrs } from '../base/mem-tx-attrs.ts';
import { MEMTX_OK, type MemTxResult } from '../base/mem-tx-result.ts';
import { probe, readBytes, writeBytes, writeRom } from './bulk.ts';
import type { DeviceCalls } from './device-calls.ts';
import { iotlbEntry, type PortIotlbEntry } from './iotlb-entry.ts';
import { SlowAccess } from './slow-access.ts';
import type { PortMemory } from './view-reader.ts';

/** An address as people in no hurry give it: exact, below 2^53 as a number, below 2^64 as a bigint. */
export type Address = number | bigint;

const FILL_BYTES = 512;

const addressHi = (address: Address): number =>
  typeof address === 'bigint' ? hiFromAddress(address) : Math.floor(address / 2 ** 32) | 0;
const addressLo = (address: Address): number =>
  typeof address === 'bigint' ? loFromAddress(address) : address | 0;

export abstract class AddressSpacePort implements GuestMemory {
  /** MemTxResult of the last access: MEMTX_OK, or an OR of MEMTX_* bits over its pieces. */
  result: MemTxResult = MEMTX_OK;
  /** Upper half of the value of the last 64-bit load, as int32. */
  high = 0;
  declare protected readonly slow: SlowAccess; // declared: see MemoryPort

  /** @param addressSpace index that the machine gave to it; call refresh() before the first access */
  constructor(memory: PortMemory, addressSpace: number, devices: DeviceCalls) {
    this.slow = new SlowAccess(memory, addressSpace, devices);
  }

  /** Takes the published layout. Its reader must have announced, or come online, just before. */
  refresh(): void {
    this.slow.refresh();
  }

  /** Lets go of the layout: nothing is mapped until the next refresh(). For a reader that goes offline. */
  forget(): void {
    this.slow.forget();
  }

  /** The machine's layoutTag when the layout in use was made. */
  get layoutTag(): number {
    return this.slow.layoutTag;
  }

  /** Attributes of the accesses that follow; MEMTXATTRS_UNSPECIFIED until set. */
  get attrs(): MemTxAttrs {
    return this.slow.attrs;
  }
  set attrs(attrs: MemTxAttrs) {
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

  /** `size` bytes at `address`, little-endian, unsigned. */
  read(address: Address, size: 1 | 2 | 4): number {
    const hi = addressHi(address);
    const lo = addressLo(address);
    if (size === 4) return this.load32(hi, lo) >>> 0;
    return size === 2 ? this.load16(hi, lo) : this.load8(hi, lo);
  }

  /** 64 bits at `address`, unsigned. */
  readBig(address: Address): bigint {
    const low = this.load64(addressHi(address), addressLo(address));
    return addressFromHalves(this.high, low);
  }

  write(address: Address, size: 1 | 2 | 4, value: number): void {
    const hi = addressHi(address);
    const lo = addressLo(address);
    if (size === 4) this.store32(hi, lo, value);
    else if (size === 2) this.store16(hi, lo, value);
    else this.store8(hi, lo, value);
  }

  writeBig(address: Address, value: bigint): void {
    this.store64(addressHi(address), addressLo(address), hiFromAddress(value), loFromAddress(value));
  }

  /**
   * Fills `into` from `address` on, over all sections on the way; errors do not stop it. Devices are read in
   * accesses of the size that they take; holes give zeros.
   * @source QEMU address_space_read
   */
  readBytes(address: Address, into: Uint8Array): MemTxResult {
    this.result = readBytes(this.slow, addressHi(address), addressLo(address), into);
    return this.result;
  }

  /** Writes all of `from`. Unlike a store, it reports read-only memory: dropped, MEMTX_DECODE_ERROR. */
  writeBytes(address: Address, from: Uint8Array): MemTxResult {
    this.result = writeBytes(this.slow, addressHi(address), addressLo(address), from);
    return this.result;
  }

  /** Writes `length` times the byte `value`. @source QEMU address_space_set */
  fill(address: Address, value: number, length: number): MemTxResult {
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
    writeRom(this.slow, addressHi(address), addressLo(address), from);
    this.result = MEMTX_OK;
  }

  /** Whether a bulk read or write of `length` bytes would be taken whole. Reads and writes nothing. */
  accessValid(address: Address, length: number, isWrite: boolean): boolean {
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
    return iotlbEntry(this.slow, BigInt(address), isWrite);
  }
}
