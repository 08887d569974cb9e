/**
 * What a reader has beyond its checkpoints, from readerHoldsWord(slot) on in the control block: views that it
 * holds, and bytes of bounce buffers.
 *
 *   word  name             writer   meaning
 *   0     HOLD_COUNT       reader   how many of the words from HOLD_VIEWS on are not 0
 *   1     HOLD_VIEWS       reader   + index: header cell of a view that is held, or 0
 *   32    BOUNCE_SPACE     reader   + 2 * index: 1 + address space of which it has bounce bytes, or 0
 *   33    BOUNCE_BYTES     reader   + 2 * index: how many
 *
 * All are written by the control thread once the reader's thread has exited. Invariant: while a reader holds
 * a view its cell is never another view's.
 */
export const HOLD_COUNT = 0;
export const HOLD_VIEWS = 1;
export const BOUNCE_SPACE = 32;
export const BOUNCE_BYTES = 33;

/** Different views that one reader can hold at a time. */
export const VIEWS_HELD_MAX = 31;
/** Address spaces of which one reader can have bounce bytes at a time. */
export const BOUNCE_SPACES_MAX = 16;
