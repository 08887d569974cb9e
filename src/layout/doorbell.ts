/**
 * A doorbell: a small buffer of its own, shared by those who ring and those who wait.
 *
 *   word  name            writer  meaning
 *   0     DOORBELL_RINGS  anyone  rings that nobody has taken, RING_STEP each, with DOORBELL_AWAITED if somebody may sleep: Atomics.add by who rings, exchange with 0 by who takes, compareExchange from 0 for AWAITED by who sleeps on it
 */
export const DOORBELL_RINGS = 0;

/** In the lowest bit, so that a count that wraps leaves it alone. */
export const DOORBELL_AWAITED = 1;
/** What a ring adds. */
export const RING_STEP = 2;

/** Rings in a value of DOORBELL_RINGS. */
export const ringCount = (rings: number): number => rings >>> 1;

export const DOORBELL_BYTES = 4;
