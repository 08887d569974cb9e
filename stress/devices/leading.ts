/**
 * A device whose reads lead to another one, or to itself: register t reads device t's plain register from inside,
 * and notes for the vCPU what came of it.
 */
import { MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import type { DeviceCallbacks, DeviceContext } from '../../src/vcpu-program.ts';

export const DEVICE_BYTES = 0x1000;
/** A register that leads nowhere. */
export const PLAIN = 0x100;
/** A write to it leads to itself, without end. */
export const ENDLESS = 0x104;
/** Words of the state: one a vCPU slot. */
export const STATE_BYTES = 4 * 512;

export interface LeadingData {
  readonly number: number;
  /** Of device 0; the others follow. */
  readonly base: number;
}

export const plainAnswer = (number: number): number => 0x6000 + number;
export const leadingAnswer = (number: number, target: number): number => 0x7000 + 0x100 * number + target;
/** What is noted: the value that was read, or the result that was none. */
export const noted = (value: number, result: number): number => (result === MEMTX_OK ? value : -result);

export default function leading(context: DeviceContext): DeviceCallbacks {
  const words = new Int32Array(context.state);
  const { number, base } = context.data as LeadingData;
  return {
    read(offset) {
      if (offset === PLAIN) return plainAnswer(number);
      const { vcpu } = context; // who called, before others do
      const memory = context.memory('memory');
      const target = offset >> 2;
      const value = memory.read(base + target * DEVICE_BYTES + PLAIN, 4);
      Atomics.store(words, vcpu, noted(value, memory.result));
      return leadingAnswer(number, target);
    },
    write(offset, value) {
      context.memory('memory').write(base + number * DEVICE_BYTES + offset, 4, value);
    },
  };
}
