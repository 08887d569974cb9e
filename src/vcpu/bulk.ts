/**
 * Bulk copies through a port, section by section: RAM by block copy, devices in accesses of the size that they
 * take, holes skipped to the next section by the view's sorted list. Errors are OR-ed and do not stop the copy.
 * @source QEMU's address_space_read and address_space_write: spec section 7.8
 */
import { IOMMU_READ, IOMMU_WRITE } from '../base/iommu.ts';
import { MEMTX_ACCESS_ERROR, MEMTX_DECODE_ERROR, MEMTX_OK, type MemTxResult } from '../base/mem-tx-result.ts';
import { cellWord } from '../layout/map-entry.ts';
import * as section from '../layout/section-record.ts';
import { loadExactly, storeExactly } from './exact-copy.ts';
import { reach } from './reach.ts';
import type { SlowAccess } from './slow-access.ts';

/** One stretch of a bulk access, in one section or in one hole. */
interface Stretch {
  /** By which its section was found: behind IOMMUs another than where the access began. */
  readonly slow: SlowAccess;
  /** First word of the section. */
  readonly word: number;
  readonly flags: number;
  /** BYTES, DEVICE or NOBODY. */
  readonly answerer: number;
  readonly hi: number;
  readonly lo: number;
  /** Bytes before it. */
  readonly done: number;
  /** Bytes of it; of a device, those of one access. */
  readonly count: number;
}

/** Who answers for a stretch. */
const BYTES = 0;
const DEVICE = 1;
const NOBODY = 2;

/** Bulk accesses of one kind. */
interface Kind {
  /** What IOMMUs on the way must permit. */
  readonly access: number;
  /** Who answers where a section has `flags`. */
  readonly answerer: (slow: SlowAccess, flags: number) => number;
}

const answersReads: Kind['answerer'] = (slow, flags) =>
  (flags & section.SECTION_FLAG_READ_DIRECT) !== 0 && !slow.isBarred(flags)
    ? BYTES
    : (flags & section.SECTION_FLAG_DEVICE) !== 0
      ? DEVICE
      : NOBODY;

const answersWrites: Kind['answerer'] = (slow, flags) => {
  const isDirect = (flags & section.SECTION_FLAG_WRITE_DIRECT) !== 0 || slow.debugWrites(flags);
  if (isDirect && !slow.isBarred(flags)) return BYTES;
  const isDevice =
    (flags & (section.SECTION_FLAG_DEVICE | section.SECTION_FLAG_READONLY)) === section.SECTION_FLAG_DEVICE;
  return isDevice ? DEVICE : NOBODY;
};

const answersLoaders: Kind['answerer'] = (_, flags) =>
  (flags & section.SECTION_FLAG_READ_DIRECT) !== 0
    ? BYTES
    : (flags & section.SECTION_FLAG_DEVICE) !== 0
      ? DEVICE
      : NOBODY;

const forReads: Kind = { access: IOMMU_READ, answerer: answersReads };
const forWrites: Kind = { access: IOMMU_WRITE, answerer: answersWrites };
const forLoaders: Kind = { access: IOMMU_WRITE, answerer: answersLoaders };

export function readBytes(slow: SlowAccess, hi: number, lo: number, into: Uint8Array): MemTxResult {
  return eachStretch(slow, hi, lo, into.length, forReads, (stretch) => {
    if (stretch.answerer === BYTES) return copyOut(stretch, into);
    if (stretch.answerer === DEVICE) return readDevice(stretch, into);
    into.fill(0, stretch.done, stretch.done + stretch.count);
    return MEMTX_DECODE_ERROR;
  });
}

export function writeBytes(slow: SlowAccess, hi: number, lo: number, from: Uint8Array): MemTxResult {
  return eachStretch(slow, hi, lo, from.length, forWrites, (stretch) => {
    if (stretch.answerer === BYTES) return copyIn(stretch, from);
    return stretch.answerer === DEVICE ? writeDevice(stretch, from) : MEMTX_DECODE_ERROR;
  });
}

/** Writes RAM, ROM and ROM devices that are in ROM mode; leaves out whatever else. A loader's. */
export function writeRom(slow: SlowAccess, hi: number, lo: number, from: Uint8Array): void {
  eachStretch(slow, hi, lo, from.length, forLoaders, (stretch) =>
    stretch.answerer === BYTES ? copyIn(stretch, from) : MEMTX_OK,
  );
}

/** MEMTX_OK if every byte would be taken, else an OR of why not; nothing is read or written. */
export function probe(
  slow: SlowAccess,
  hi: number,
  lo: number,
  length: number,
  isWrite: boolean,
): MemTxResult {
  return eachStretch(slow, hi, lo, length, isWrite ? forWrites : forReads, (stretch) => {
    const { word, flags, count, answerer } = stretch;
    if (answerer !== DEVICE) return answerer === BYTES ? MEMTX_OK : MEMTX_DECODE_ERROR;
    if (slow.isBarred(flags)) return MEMTX_ACCESS_ERROR;
    const device = slow.arena[word + section.SECTION_DEVICE]!;
    const offset = slow.offsetInRegion(word, stretch.hi, stretch.lo);
    return slow.devices.accepts(device, offset, count, isWrite, slow.attrs) ? MEMTX_OK : MEMTX_DECODE_ERROR;
  });
}

/** @param before bytes of the whole access that were visited already */
function eachStretch(
  slow: SlowAccess,
  hi: number,
  lo: number,
  length: number,
  kind: Kind,
  visit: (stretch: Stretch) => MemTxResult,
  before = 0,
): MemTxResult {
  let result = MEMTX_OK;
  for (let done = 0; done < length; ) {
    const atHi = hiAfter(hi, lo, done);
    const atLo = (lo + done) | 0;
    const cell = slow.lookup(atHi, atLo);
    const word = cellWord(cell);
    const flags = slow.arena[word + section.SECTION_FLAGS]!;
    const left = length - done;
    let count: number;
    if ((flags & section.SECTION_FLAG_IOMMU) !== 0) {
      const { paths } = slow;
      const passes = paths.enter(slow, cell, atHi, atLo, kind.access);
      count = Math.min(left, paths.reach);
      result |= passes
        ? eachStretch(paths.target, paths.hi, paths.lo, count, kind, visit, before + done)
        : paths.result |
          visit({ slow, word, flags, answerer: NOBODY, hi: atHi, lo: atLo, done: before + done, count });
      paths.leave();
    } else {
      const answerer = kind.answerer(slow, flags);
      count =
        answerer === DEVICE ? deviceSize(slow, word, atHi, atLo, left) : reach(slow, cell, atHi, atLo, left);
      result |= visit({ slow, word, flags, answerer, hi: atHi, lo: atLo, done: before + done, count });
    }
    done += count;
  }
  return result;
}

function copyOut({ slow, word, flags, lo, done, count }: Stretch, into: Uint8Array): MemTxResult {
  const ram = slow.ram.get(slow.arena[word + section.SECTION_RAM_BUFFER]!);
  const from = slow.ramByte(word, lo);
  if ((flags & section.SECTION_FLAG_EXACT) !== 0) loadExactly(ram, from, into.subarray(done, done + count));
  else into.set(ram.bytes.subarray(from, from + count), done);
  return MEMTX_OK;
}

function copyIn({ slow, word, flags, hi, lo, done, count }: Stretch, from: Uint8Array): MemTxResult {
  slow.noteWrite(word, hi, lo, count);
  const ram = slow.ram.get(slow.arena[word + section.SECTION_RAM_BUFFER]!);
  const piece = from.subarray(done, done + count);
  if ((flags & section.SECTION_FLAG_EXACT) !== 0) storeExactly(ram, slow.ramByte(word, lo), piece);
  else ram.bytes.set(piece, slow.ramByte(word, lo));
  return MEMTX_OK;
}

function readDevice({ slow, word, hi, lo, done, count }: Stretch, into: Uint8Array): MemTxResult {
  const low = slow.readDevice(word, hi, lo, count);
  for (let i = 0; i < count; i += 1) into[done + i] = (i < 4 ? low : slow.high) >>> ((i & 3) << 3);
  return slow.result;
}

function writeDevice({ slow, word, hi, lo, done, count }: Stretch, from: Uint8Array): MemTxResult {
  let low = 0;
  let high = 0;
  for (let i = 0; i < count; i += 1) {
    if (i < 4) low |= from[done + i]! << (i << 3);
    else high |= from[done + i]! << ((i & 3) << 3);
  }
  slow.writeDevice(word, hi, lo, count, low, high);
  return slow.result;
}

function deviceSize(slow: SlowAccess, word: number, hi: number, lo: number, left: number): number {
  const device = slow.arena[word + section.SECTION_DEVICE]!;
  return slow.devices.bulkSize(device, slow.offsetInRegion(word, hi, lo), left);
}

/** Upper half of (hi, lo) + done, modulo 2^64. */
function hiAfter(hi: number, lo: number, done: number): number {
  return (hi + Math.floor(((lo >>> 0) + done) / 2 ** 32)) | 0;
}
