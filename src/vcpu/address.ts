/**
 * Arguments of the accesses that are in no hurry: addresses as numbers or bigints, taken apart into the halves that
 * accesses work with; lengths and bytes. Every check throws MemoryError INVALID_ARGUMENT.
 */
import { hiFromAddress, loFromAddress } from '../base/addresses.ts';
import { describeValue, invalidArgument } from '../base/arguments.ts';

/** An address as people in no hurry give it: exact, below 2^53 as a number, below 2^64 as a bigint. */
export type Address = number | bigint;

/** The most bytes of one bulk access: as many as a buffer can have, or a device would be asked for ever. */
const LENGTH_MAX = 2 ** 32;

/** To call before addressLo(), which takes anything. @throws MemoryError INVALID_ARGUMENT */
export function addressHi(address: Address): number {
  if (typeof address === 'bigint') return hiFromAddress(address);
  if (Number.isSafeInteger(address)) return Math.floor(address / 2 ** 32) | 0;
  throw invalidArgument(
    'an access',
    `the address must be a bigint or a whole number below 2^53, got ${describeValue(address)}`,
  );
}

export const addressLo = (address: Address): number =>
  typeof address === 'bigint' ? loFromAddress(address) : address | 0;

export function refuseNoNumber(what: string, value: unknown): void {
  if (typeof value === 'number') return;
  throw invalidArgument('an access', `${what} must be a number, got ${describeValue(value)}`);
}

/** Of one that may be empty. */
export function refuseLongLength(length: number): void {
  if (Number.isInteger(length) && length >= 0 && length <= LENGTH_MAX) return;
  throw invalidArgument(
    'an access',
    `a length must be a whole number of bytes from 0 to 2^32, got ${describeValue(length)}`,
  );
}

export function refuseNoBytes(bytes: Uint8Array): void {
  if (bytes instanceof Uint8Array) return;
  throw invalidArgument('an access', `bytes must be a Uint8Array, got ${describeValue(bytes)}`);
}
