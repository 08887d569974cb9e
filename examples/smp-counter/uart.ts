/**
 * A UART of which every vCPU worker has an instance; the characters are in shared memory.
 *
 *   word   writer                      meaning
 *   0      guest side, under the lock  characters put in so far
 *   1      host                        characters taken out so far
 *   then   guest side, under the lock  the ring, one byte a character
 *
 * Guarantee: characters come out in the order of the stores that put them in. The binding must use the shared
 * device lock, which makes the instances one device. A full ring shows "not ready", and a store is then lost.
 */
import type { DeviceCallbacks, DeviceContext } from '../../src/vcpu-program.ts';
import { UART_DATA, UART_LINE_STATUS, UART_READY } from './machine-map.ts';

const WORD_PUT = 0;
const WORD_TAKEN = 1;
const HEADER_BYTES = 8;
/** A power of two, so that the two counts may wrap. */
const RING_BYTES = 1 << 14;

export const newUartState = (): SharedArrayBuffer => new SharedArrayBuffer(HEADER_BYTES + RING_BYTES);

/** The device's factory, called in each vCPU worker. */
export default function createUart(context: DeviceContext): DeviceCallbacks {
  const words = new Int32Array(context.state, 0, 2);
  const ring = new Uint8Array(context.state, HEADER_BYTES);
  const isFull = (): boolean => ((words[WORD_PUT]! - Atomics.load(words, WORD_TAKEN)) | 0) >= RING_BYTES;
  return {
    read: (offset) => (offset === UART_LINE_STATUS && !isFull() ? UART_READY : 0),
    write(offset, value) {
      if (offset !== UART_DATA || isFull()) return;
      const put = words[WORD_PUT]!;
      ring[put & (RING_BYTES - 1)] = value;
      Atomics.store(words, WORD_PUT, (put + 1) | 0); // pairs with UartReader.take
    },
  };
}

/** The host's end of the wire. One reader for each UART. */
export class UartReader {
  private readonly words: Int32Array;
  private readonly ring: Uint8Array;

  constructor(state: SharedArrayBuffer) {
    this.words = new Int32Array(state, 0, 2);
    this.ring = new Uint8Array(state, HEADER_BYTES);
  }

  /** The characters since the last call. */
  take(): string {
    const put = Atomics.load(this.words, WORD_PUT); // pairs with the device's write
    let text = '';
    let taken = this.words[WORD_TAKEN]!;
    for (; taken !== put; taken = (taken + 1) | 0)
      text += String.fromCharCode(this.ring[taken & (RING_BYTES - 1)]!);
    Atomics.store(this.words, WORD_TAKEN, taken); // frees the room; pairs with isFull
    return text;
  }
}
