/**
 * A vCPU's mailbox: one MMIO access at a time, handed to the thread where the device is homed. Words are
 * relative to mailboxWord(slot). The requester writes its half plainly and then stores MAILBOX_STATE;
 * the responder writes its half plainly and then stores MAILBOX_STATE: each store publishes the half before it.
 *
 *   word  name              writer     meaning
 *   0     MAILBOX_STATE     both       MAILBOX_IDLE -> (vCPU) requestedState(host), awaitedState() of it before it sleeps -> (host) MAILBOX_ANSWERED -> (vCPU) MAILBOX_IDLE
 *   1     MAILBOX_DEVICE    vCPU       device id
 *   2     MAILBOX_ACCESS    vCPU       readAccess() or writeAccess() of a size, probeOf() one of them, or FLUSH_ACCESS
 *   3     MAILBOX_OFFSET_LO vCPU       offset within the region, lower half
 *   4     MAILBOX_OFFSET_HI vCPU       and its upper half
 *   5     MAILBOX_VALUE_LO  vCPU       value to write, lower half
 *   6     MAILBOX_VALUE_HI  vCPU       and its upper half
 *   7     MAILBOX_ATTRS     vCPU       MemTxAttrs
 *   16    MAILBOX_ANSWER_LO host       value read, lower half
 *   17    MAILBOX_ANSWER_HI host       and its upper half
 *   18    MAILBOX_RESULT    host       MemTxResult
 *
 * A device host's words, relative to deviceHostWord(host); host 0 is the control thread:
 *
 *   word  name                  writer   meaning
 *   0     DEVICE_HOST_DOORBELL  both     bit slot % 32: vCPUs set it by Atomics.or after a request; the host takes all by Atomics.exchange, sleeps on 0
 *   1     DEVICE_HOST_ASLEEP    host     1 while it sleeps on the doorbell: ring with notify
 *   2     DEVICE_HOST_ALIVE     control  1 from start until the thread's exit was confirmed
 *   3     DEVICE_HOST_REPLIES   control  Atomics.add after the reply to an ask of the host was posted; it sleeps on it
 *
 * A request moves on by one party at a time: the host answers, and only while it is alive; once ALIVE is 0
 * no host will ever answer, so the vCPU that asked takes its request back itself, with MEMTX_ERROR.
 */
export const MAILBOX_STATE = 0;
export const MAILBOX_DEVICE = 1;
export const MAILBOX_ACCESS = 2;
export const MAILBOX_OFFSET_LO = 3;
export const MAILBOX_OFFSET_HI = 4;
export const MAILBOX_VALUE_LO = 5;
export const MAILBOX_VALUE_HI = 6;
export const MAILBOX_ATTRS = 7;
export const MAILBOX_ANSWER_LO = 16; // the other half of the 128 bytes
export const MAILBOX_ANSWER_HI = 17;
export const MAILBOX_RESULT = 18;

export const DEVICE_HOST_DOORBELL = 0;
export const DEVICE_HOST_ASLEEP = 1;
export const DEVICE_HOST_ALIVE = 2;
export const DEVICE_HOST_REPLIES = 3;

export const MAILBOX_IDLE = 0;
export const MAILBOX_ANSWERED = 1;

/**
 * MAILBOX_STATE of a request for `host`. The host is part of the state, so one load tells a host that a
 * request is its own: with the host in a second word it could read the word of the request after.
 */
export const requestedState = (host: number): number => 2 + host;
/** Of a request whose vCPU sleeps on MAILBOX_STATE: the answer has to wake it. */
export const awaitedState = (requested: number): number => requested | STATE_AWAITED;
/** True for the state of a request, awaited or not. */
export const isRequested = (state: number, requested: number): boolean =>
  (state & ~STATE_AWAITED) === requested;
/** Whom a MAILBOX_STATE asks; -1 where it is no request. */
export const hostOfState = (state: number): number => (state >= 2 ? (state & ~STATE_AWAITED) - 2 : -1);

const STATE_AWAITED = 0x4000_0000;

const ACCESS_SIZES = 15;
const ACCESS_WRITE = 16;
const ACCESS_PROBE = 32;

/** Asks for nothing but the replay of what is queued for the host's devices: layout/coalesced-ring.ts. */
export const FLUSH_ACCESS = 0;

/** MAILBOX_ACCESS of a read of `size` bytes. */
export const readAccess = (size: number): number => size;
export const writeAccess = (size: number): number => size | ACCESS_WRITE;
/** Asks only whether the device would take `access`: nothing is read or written. */
export const probeOf = (access: number): number => access | ACCESS_PROBE;
export const accessSize = (access: number): number => access & ACCESS_SIZES;
export const accessIsWrite = (access: number): boolean => (access & ACCESS_WRITE) !== 0;
export const accessIsProbe = (access: number): boolean => (access & ACCESS_PROBE) !== 0;

/** The control thread's number as a device host. */
export const DEVICE_HOST_CONTROL = 0;

/** The vCPU's bit in a doorbell; slots that are DOORBELL_BITS apart share one. */
export const DOORBELL_BITS = 32;
export const doorbellBit = (slot: number): number => 1 << (slot & (DOORBELL_BITS - 1));
