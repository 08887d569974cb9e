/**
 * What the bytes of a history's machine are: each tells what gave it, and by a hash also which
 * region and which offset. So four of them, read at once, tell who answered.
 */

const PAGE_BYTES = 4096;
/** From here on in a page of RAM each vCPU has PRIVATE_BYTES of its own, which it alone writes. */
const PRIVATE_START = 0xe00;
export const PRIVATE_BYTES = 16;

/** What gives a byte: memory, or callbacks that run in the vCPU's thread or in another. */
export type Giver = 'memory' | 'local' | 'homed';

const CLASS_BITS: Readonly<Record<Giver, number>> = { memory: 0x40, local: 0x80, homed: 0xc0 };

/** The byte at `offset` of region number `region`; never 0, which holes give. */
export function codedByte(giver: Giver, region: number, offset: number): number {
  let hash = Math.imul(region + 1, 0x9e3779b1) ^ Math.imul(offset + 1, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
  return CLASS_BITS[giver] | ((hash ^ (hash >>> 13)) & 0x3f);
}

/** Up to four of them, the first in the lowest byte. */
export function codedValue(giver: Giver, region: number, offset: number, size: number): number {
  let value = 0;
  for (let byte = 0; byte < size; byte += 1) value |= codedByte(giver, region, offset + byte) << (8 * byte);
  return value >>> 0;
}

/** Whether a homed device gave it. What vCPUs write is far below. */
export const isHomedByte = (byte: number): boolean => (byte & 0xc0) === CLASS_BITS.homed;

/** Where in each page of RAM vCPU `vcpu` may write. */
export const privateOffset = (vcpu: number): number => PRIVATE_START + vcpu * PRIVATE_BYTES;

/** Whether a byte of RAM is some vCPU's own, so that what it holds is not known. */
export const isPrivate = (offset: number): boolean => offset % PAGE_BYTES >= PRIVATE_START;

/** What vCPU `vcpu` writes, in every byte, so that who takes a piece of it can tell who wrote. */
export const mark = (vcpu: number): number => vcpu + 1;
export const writerOf = (value: number): number => (value & 0xff) - 1;
