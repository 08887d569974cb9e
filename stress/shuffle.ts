/**
 * A layout that is a function of its number: windows of one page onto a RAM region, some of them holes.
 * Control thread and vCPUs compute it for themselves, so every answer of every layout is known exactly:
 * from the layoutTag of a port follows what each address must give.
 *
 * Window 0 shows another page in every layout, so no two layouts in a row are equal; each of the others
 * changes in every eighth. Between windows, and far above them, is nothing.
 */
export const PAGE_BYTES = 4096;
export const PAGE_COUNT = 64;
export const WINDOW_COUNT = 48;
export const WINDOW_BASE = 0x10_0000;
/** A window and as much of a hole. */
export const WINDOW_STRIDE = 2 * PAGE_BYTES;
export const HOLE = -1;

const EVERY = 8;

/** One in four shares its pages with the holes beside it. */
export const windowAddress = (window: number): number =>
  WINDOW_BASE + window * WINDOW_STRIDE + (window % 4 === 3 ? PAGE_BYTES / 2 : 0);

/** True if `window` shows in layout `tag` something else than in the one before. */
export const windowChanges = (window: number, tag: number): boolean =>
  window === 0 || (tag + window) % EVERY === 0;

/** The page that `window` shows in layout `tag`; HOLE if none. */
export function pageIn(seed: number, tag: number, window: number): number {
  const epoch = window === 0 ? tag : Math.floor((tag + window) / EVERY);
  let hash = Math.imul(epoch ^ Math.imul(window + 1, 0x9e3779b1) ^ seed, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash = (hash ^ (hash >>> 16)) >>> 0;
  if (window !== 0 && hash % 11 === 0) return HOLE;
  return 2 * (hash % (PAGE_COUNT / 2)) + (epoch & 1);
}

/** The word at byte `offset` of page `page`: tells page and offset. */
export const wordOf = (page: number, offset: number): number => 0x4000_0000 | (page << 12) | offset;

/** Shared words of the scenarios that shuffle: tags that were published, and that may be in between. */
export const LATEST = 0;
export const INTENT = 1;
export const SHUFFLE_WORDS = 16;
