/**
 * A vCPU's mailbox: one MMIO access at a time, handed to the thread where the device is homed. Words are
 * relative to mailboxWord(slot). The requester writes its half plainly and then stores MAILBOX_STATE;
 * the responder writes its half plainly and then stores MAILBOX_STATE: each store publishes the half before it.
 *
 *   word  name              writer     meaning
 *   0     MAILBOX_STATE     both       MAILBOX_IDLE -> (vCPU) MAILBOX_REQUESTED -> (host) MAILBOX_ANSWERED -> (vCPU) MAILBOX_IDLE
 *   1     MAILBOX_HOST      vCPU       device host that shall answer
 *   2     MAILBOX_DEVICE    vCPU       device id
 *   3     MAILBOX_ACCESS    vCPU       size in bytes, or its negative for a write
 *   4     MAILBOX_OFFSET_LO vCPU       offset within the region, lower half
 *   5     MAILBOX_OFFSET_HI vCPU       and its upper half
 *   6     MAILBOX_VALUE     vCPU       value to write
 *   16    MAILBOX_ANSWER    host       value read
 *   17    MAILBOX_RESULT    host       MemTxResult
 *
 * A device host's words, relative to deviceHostWord(host); host 0 is the control thread:
 *
 *   word  name                  writer   meaning
 *   0     DEVICE_HOST_DOORBELL  vCPUs    Atomics.add after a request was stored; the host sleeps on it
 *   1     DEVICE_HOST_ASLEEP    host     1 while it sleeps on the doorbell: ring with notify
 *   2     DEVICE_HOST_ALIVE     control  1 from start until the thread's exit was confirmed
 *
 * After a host's exit was confirmed the control thread answers for it, with MEMTX_ERROR.
 */
export const MAILBOX_STATE = 0;
export const MAILBOX_HOST = 1;
export const MAILBOX_DEVICE = 2;
export const MAILBOX_ACCESS = 3;
export const MAILBOX_OFFSET_LO = 4;
export const MAILBOX_OFFSET_HI = 5;
export const MAILBOX_VALUE = 6;
export const MAILBOX_ANSWER = 16; // the other half of the 128 bytes
export const MAILBOX_RESULT = 17;

export const DEVICE_HOST_DOORBELL = 0;
export const DEVICE_HOST_ASLEEP = 1;
export const DEVICE_HOST_ALIVE = 2;

export const MAILBOX_IDLE = 0;
export const MAILBOX_REQUESTED = 1;
export const MAILBOX_ANSWERED = 2;

/** The control thread's number as a device host. */
export const DEVICE_HOST_CONTROL = 0;
