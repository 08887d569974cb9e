/**
 * A UART of which every vCPU's thread has an instance; `lock: 'own'` makes the instances one device.
 *
 *   offset  register
 *   0       write: sends a character; lost while there is no room
 *   4       read: how many characters there is room for
 *
 *   word    writer               meaning
 *   0       UART, under its lock characters sent so far
 *   1       control thread       characters taken so far
 *   2       UART, under its lock the characters, in a ring
 */
import { type DeviceCallbacks, type DeviceContext, Doorbell, type DoorbellHandle } from 'flatview/vcpu';

const SENT = 0;
const TAKEN = 1;
const RING_BYTES = 16; // a power of two, so that the counts may wrap

export const newUartState = (): SharedArrayBuffer => new SharedArrayBuffer(8 + RING_BYTES);

/** Both ends see the ring alike. */
const ringIn = (state: SharedArrayBuffer) => ({
  counts: new Int32Array(state, 0, 2),
  ring: new Uint8Array(state, 8),
});

/** The factory that each vCPU's thread calls. */
export default function uart({ state, data }: DeviceContext): DeviceCallbacks {
  const { counts, ring } = ringIn(state);
  const sent = Doorbell.from(data as DoorbellHandle);
  const room = (): number => RING_BYTES - ((counts[SENT]! - Atomics.load(counts, TAKEN)) | 0);
  return {
    read: (offset) => (offset === 4 ? room() : 0),
    write(offset, value) {
      if (offset !== 0 || room() === 0) return;
      ring[counts[SENT]! & (RING_BYTES - 1)] = value;
      Atomics.store(counts, SENT, (counts[SENT]! + 1) | 0); // after the character: pairs with takeSent
      sent.ring();
    },
  };
}

/** The other end of the wire, in the control thread: what was sent since the last call. */
export function takeSent(state: SharedArrayBuffer): string {
  const { counts, ring } = ringIn(state);
  const sent = Atomics.load(counts, SENT); // pairs with the device's write
  let text = '';
  for (let at = counts[TAKEN]!; at !== sent; at = (at + 1) | 0)
    text += String.fromCharCode(ring[at & (RING_BYTES - 1)]!);
  Atomics.store(counts, TAKEN, sent); // makes room
  return text;
}
