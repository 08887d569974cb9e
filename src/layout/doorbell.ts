/**
 * A doorbell: a small buffer of its own, shared by those who ring and those who wait.
 *
 *   word  name              writer   meaning
 *   0     DOORBELL_COUNT    anyone   rings that nobody has taken: Atomics.add by who rings, Atomics.exchange with 0 by who takes; waiters sleep on 0
 *   1     DOORBELL_WAITERS  waiters  how many wait, or died waiting: ring with notify; Atomics.add and sub
 */
export const DOORBELL_COUNT = 0;
export const DOORBELL_WAITERS = 1;

export const DOORBELL_BYTES = 8;
