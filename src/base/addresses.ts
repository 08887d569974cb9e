/**
 * Addresses and sizes. At the edges they are bigint, exact to 2^64; inside the hot path they are two
 * int32 halves (hi, lo). A size may be 2^64 itself, so sizes and exclusive ends need 65 bits.
 */
export const SIZE_2_64 = 1n << 64n;
export const ADDRESS_LAST = SIZE_2_64 - 1n;

/** Upper half of a 64-bit address, as int32. */
export const hiFromAddress = (address: bigint): number => Number(BigInt.asIntN(32, address >> 32n));
/** Lower half of a 64-bit address, as int32. */
export const loFromAddress = (address: bigint): number => Number(BigInt.asIntN(32, address));

/** The 64-bit address whose halves are `hi` and `lo`; either may be given signed or unsigned. */
export const addressFromHalves = (hi: number, lo: number): bigint =>
  (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);

/** `0x` and lower-case digits, as in the JSON documents of every command. */
export const hexFromAddress = (address: bigint): string => `0x${address.toString(16)}`;
/** Sixteen lower-case digits without prefix, as QEMU's monitor prints addresses. */
export const paddedHexFromAddress = (address: bigint): string => address.toString(16).padStart(16, '0');
