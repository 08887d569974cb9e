/**
 * Shared words of the scenarios in which the control thread asks single vCPUs for something, after those of
 * shuffle.ts: a line of words for each vCPU, by its number.
 */
import { SHUFFLE_WORDS } from './shuffle.ts';

const WORDS_EACH = 8;

/** How often it was asked; written by the control thread. */
export const ASKED = 0;
/** The last question that it answered; written by the vCPU. */
export const ANSWERED = 1;
/** The last layout that was published before the question; written by the control thread. */
export const ASKED_AT = 2;
/** Rounds that it has finished; written by the vCPU. */
export const ROUND = 3;
/** What it counted for itself; written by the vCPU. */
export const COUNT = 4;
export const COUNT_MORE = 5;
export const COUNT_MOST = 6;

export const wordFor = (number: number, word: number): number => SHUFFLE_WORDS + number * WORDS_EACH + word;
export const handshakeWords = (vcpus: number): number => wordFor(vcpus, 0);
