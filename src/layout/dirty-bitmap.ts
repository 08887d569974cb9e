/**
 * Dirty bits of one RAM buffer, and versions of its code: made with the buffer, as long as it lives, never moved.
 * So bitmaps grow with RAM, and no reader ever sees one replaced. 32 pages of 4 KiB form a group:
 *
 *   word  name                 writer   meaning
 *   0     DIRTY_BITS           anyone   + client: a bit for each page. Atomics.or sets, Atomics.and clears
 *   3     DIRTY_CODE_VERSIONS  anyone   + page & 31: Atomics.add, before a clear bit of DIRTY_CLIENT_CODE is set
 *
 * Bits are set by whoever writes to the page. They are cleared by the control thread, those of DIRTY_CLIENT_CODE
 * by the thread that translates the page. A store marks its page for all clients at once, whoever asked.
 */
import { DIRTY_CLIENT_CODE } from '../base/dirty-log.ts';
import { sharedBuffer } from '../base/shared-memory.ts';
import type { SharedWords } from './control-block.ts';

export const DIRTY_BITS = 0;
export const DIRTY_CODE_VERSIONS = 3;

export const DIRTY_PAGE_BYTES = 4096;

/** Every client, as a mask. */
export const DIRTY_ALL_CLIENTS = 7;

const CLIENT_COUNT = 3;
const PAGE_SHIFT = 12;
const GROUP_SHIFT = 5;
const GROUP_PAGES = 32;
const GROUP_WORDS = DIRTY_CODE_VERSIONS + GROUP_PAGES;

/** The page of a byte of the buffer. */
export const dirtyPage = (byte: number): number => byte >>> PAGE_SHIFT;

const groupWord = (page: number): number => (page >>> GROUP_SHIFT) * GROUP_WORDS;
const codeVersionWord = (page: number): number =>
  groupWord(page) + DIRTY_CODE_VERSIONS + (page & (GROUP_PAGES - 1));

/** Bits of the pages `[first, last]` in the group that begins with page `start`. */
const bitsWithin = (start: number, first: number, last: number): number => {
  const from = first > start ? first - start : 0;
  const to = last < start + GROUP_PAGES - 1 ? last - start : GROUP_PAGES - 1;
  return (-1 << from) & (-1 >>> (GROUP_PAGES - 1 - to));
};

const codeBits = (mask: number, bits: number): number =>
  ((mask >>> DIRTY_CLIENT_CODE) & 1) === 0 ? 0 : bits;

/** For a buffer of that size, whose pages are dirty for all clients: a new block is. */
export function createDirtyBitmap(sizeBytes: number): SharedWords {
  const groups = Math.ceil(sizeBytes / (DIRTY_PAGE_BYTES * GROUP_PAGES));
  const words = new Int32Array(sharedBuffer(4 * groups * GROUP_WORDS));
  for (let group = 0; group < groups; group += 1)
    words.fill(-1, group * GROUP_WORDS, group * GROUP_WORDS + CLIENT_COUNT);
  return words;
}

/** Whether every page from `first` to `last` is dirty for every client of `mask`. */
export function pagesAreDirty(words: SharedWords, first: number, last: number, mask: number): boolean {
  for (let start = first & -GROUP_PAGES; start <= last; start += GROUP_PAGES) {
    const bits = bitsWithin(start, first, last);
    for (let client = 0; client < CLIENT_COUNT; client += 1) {
      if (((mask >>> client) & 1) === 0) continue;
      if ((bits & ~Atomics.load(words, groupWord(start) + client)) !== 0) return false; // pairs with takeDirtyPages
    }
  }
  return true;
}

/** Whether a page from `first` to `last` is dirty for `client`. */
export function anyPageIsDirty(words: SharedWords, first: number, last: number, client: number): boolean {
  for (let start = first & -GROUP_PAGES; start <= last; start += GROUP_PAGES)
    if ((bitsWithin(start, first, last) & Atomics.load(words, groupWord(start) + client)) !== 0) return true;
  return false;
}

/**
 * Marks the pages from `first` to `last` for the clients of `mask`.
 * @returns whether DIRTY_CLIENT_CODE is among them and had a clean page: code translated from it is no longer true
 */
export function markDirtyPages(words: SharedWords, first: number, last: number, mask: number): boolean {
  let codeWasClean = false;
  for (let start = first & -GROUP_PAGES; start <= last; start += GROUP_PAGES) {
    const bits = bitsWithin(start, first, last);
    const group = groupWord(start);
    // The version first: whoever finds the bit set, and writes unseen, can rely on the version having moved.
    let clean = codeBits(mask, bits) & ~Atomics.load(words, group + DIRTY_CLIENT_CODE);
    codeWasClean ||= clean !== 0;
    for (; clean !== 0; clean &= clean - 1)
      Atomics.add(words, codeVersionWord(start + 31 - Math.clz32(clean & -clean)), 1);
    for (let client = 0; client < CLIENT_COUNT; client += 1) {
      if (((mask >>> client) & 1) === 0) continue;
      if ((bits & ~Atomics.load(words, group + client)) !== 0) Atomics.or(words, group + client, bits);
    }
  }
  return codeWasClean;
}

/** Clears the bits of `client` from `first` to `last`; calls `visit` with each page that was dirty, ascending. */
export function takeDirtyPages(
  words: SharedWords,
  first: number,
  last: number,
  client: number,
  visit: (page: number) => void,
): void {
  for (let start = first & -GROUP_PAGES; start <= last; start += GROUP_PAGES) {
    const bits = bitsWithin(start, first, last);
    const word = groupWord(start) + client;
    if ((Atomics.load(words, word) & bits) === 0) continue;
    let taken = Atomics.and(words, word, ~bits) & bits; // pairs with pagesAreDirty
    for (; taken !== 0; taken &= taken - 1) visit(start + 31 - Math.clz32(taken & -taken));
  }
}

/** How often `page` was written while it was clean for DIRTY_CLIENT_CODE, modulo 2^32. */
export const codeVersion = (words: SharedWords, page: number): number =>
  Atomics.load(words, codeVersionWord(page)); // pairs with markDirtyPages
