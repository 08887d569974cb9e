/** Addresses and sizes: 64 bits wide, so BigInt throughout, and as people read them. */

export const SPACE_SIZE = 1n << 64n;
export const ADDRESS_LAST = SPACE_SIZE - 1n;

/** @param {bigint} address */
export const hexOf = (address) => `0x${address.toString(16)}`;

/** As QEMU's monitor prints it. @param {bigint} address */
export const paddedHexOf = (address) => address.toString(16).padStart(16, '0');

/** @param {bigint} value */
export const wrapped = (value) => BigInt.asUintN(64, value);

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** With one digit after the point where it does not come out even. @param {bigint | number} bytes */
export function sizeText(bytes) {
  const exact = BigInt(Math.round(Number(bytes))) === BigInt(bytes) ? BigInt(bytes) : 0n;
  let unit = 0;
  let value = Number(bytes);
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const isEven = exact !== 0n && exact % (1n << BigInt(10 * unit)) === 0n;
  return `${isEven || unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

/** The least power of two that is not below `size`. @param {bigint} size */
export const powerOfTwoFrom = (size) => (size <= 1n ? 1n : 1n << BigInt((size - 1n).toString(2).length));

/**
 * What someone typed as an address; null if it is none. Hex, with or without 0x, and _ or spaces between digits.
 * @param {string} text
 */
export function addressFrom(text) {
  const digits = text
    .trim()
    .replace(/^0x/i, '')
    .replaceAll(/[_\s']/g, '');
  return /^[0-9a-f]{1,16}$/i.test(digits) ? BigInt(`0x${digits}`) : null;
}
