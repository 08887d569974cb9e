/** Two address spaces of one page each, which show other pages in each layout, as functions of its number. */
export const PAIR_ADDRESS = 0x10_0000;
export const PAIR_PAGES = 64;

/** The page that `space`, 0 or 1, shows in layout `tag`. */
export const pairPage = (space: number, tag: number): number =>
  (space === 0 ? tag : 7 * tag + 3) % PAIR_PAGES;

/** Shared words after those of the shuffle, by vCPU: checkpoints at which the two were of different layouts. */
export const pairWord = (number: number): number => 32 + number;
export const PAIR_WORDS = 32 + 64;
