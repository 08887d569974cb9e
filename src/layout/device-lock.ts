/**
 * A device lock: one word, so that taking it when it is free and giving it back are one atomic operation each. The
 * one that devices share by default is WORD_DEVICE_LOCK of the control block; a device with a lock of its own has it
 * in a buffer of its own, where the word has a cache line to itself whatever lies around the buffer:
 *
 *   word  name           writer   meaning
 *   16    WORD_OWN_LOCK  anyone   the lock of one device; who writes what is said below
 *
 *   bits  name               meaning
 *   0     LOCK_HOLDER_BITS   1 + reader slot of the holder; 0: free
 *   30    LOCK_AWAITED       a reader may sleep on the word: whoever gives it back wakes one
 *
 * Who takes it writes itself over 0, who waits adds LOCK_AWAITED, both by compareExchange; the holder exchanges it
 * for LOCK_FREE. The control thread does that for a holder whose exit was confirmed.
 */
export const WORD_OWN_LOCK = 16;

export const OWN_LOCK_BYTES = 128;

export const LOCK_FREE = 0;
export const LOCK_AWAITED = 0x4000_0000;

const LOCK_HOLDER_BITS = 0xffff;

/** The word of a lock that the reader in `slot` holds and nobody waits for. */
export const heldBy = (slot: number): number => slot + 1;
/** The reader slot of whoever holds a lock; -1 where it is free. */
export const lockHolder = (word: number): number => (word & LOCK_HOLDER_BITS) - 1;
