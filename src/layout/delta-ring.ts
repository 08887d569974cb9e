/**
 * Ring of deltas: which pages of which address space answer differently since which view, so that a TLB drops
 * those and keeps the rest. Words are relative to deltaWord(number); WORD_DELTA_COUNT (control-block.ts) is the
 * number of the newest. All by Atomics.
 *
 *   word  name                 writer   meaning
 *   0     DELTA_TARGET         control  deltaTarget(): the address space, and whether it is its view's last delta
 *   1     DELTA_VIEW_VERSION   control  VIEW_VERSION of the view that the address space got
 *   2     DELTA_START_LO       control  first address that answers differently, lower half
 *   3     DELTA_START_HI       control  and its upper half
 *   4     DELTA_LAST_LO        control  last one, lower half; before the first where nothing does
 *   5     DELTA_LAST_HI        control  and its upper half
 *
 * Delta number n overwrites number n - DELTA_COUNT_MAX before the count becomes n. So a reader has read deltas
 * from number m on whole if the count, loaded afterwards, is below m - 1 + DELTA_COUNT_MAX.
 */
import { WORD_DELTAS } from './control-block.ts';

export const DELTA_TARGET = 0;
export const DELTA_VIEW_VERSION = 1;
export const DELTA_START_LO = 2;
export const DELTA_START_HI = 3;
export const DELTA_LAST_LO = 4;
export const DELTA_LAST_HI = 5;

export const DELTA_COUNT_MAX = 64;
export const DELTA_STRIDE_WORDS = 8;

/** DELTA_TARGET: the address space's index, and whether all deltas of its new view are there with this one. */
export const deltaTarget = (addressSpace: number, isLast: boolean): number =>
  (addressSpace << 1) | (isLast ? 1 : 0);
export const targetAddressSpace = (target: number): number => target >>> 1;
export const targetIsLast = (target: number): boolean => (target & 1) !== 0;

/** First word of delta `number`, modulo 2^32. */
export const deltaWord = (number: number): number =>
  WORD_DELTAS + (number & (DELTA_COUNT_MAX - 1)) * DELTA_STRIDE_WORDS;
