/** Addresses at the edge: numbers or bigints, taken apart into the halves that accesses work with. */
import { hiFromAddress, loFromAddress } from '../base/addresses.ts';

/** An address as people in no hurry give it: exact, below 2^53 as a number, below 2^64 as a bigint. */
export type Address = number | bigint;

export const addressHi = (address: Address): number =>
  typeof address === 'bigint' ? hiFromAddress(address) : Math.floor(address / 2 ** 32) | 0;
export const addressLo = (address: Address): number =>
  typeof address === 'bigint' ? loFromAddress(address) : address | 0;
