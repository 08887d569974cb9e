/** What the vCPU runs: counts ticks of the timer and prints each. Both devices have registers of 4 bytes. */
import type { Vcpu } from 'flatview/vcpu';

export const UART = 0x1000_0000;
export const TIMER = 0x1000_1000;
export const REGISTERS = 8;
const UART_ROOM = UART + 4;

const PERIOD_MS = 2;
const TICKS = 5;

export default function guest(vcpu: Vcpu): number {
  const { memory } = vcpu;
  const print = (text: string): void => {
    for (const character of text) {
      while (memory.read(UART_ROOM, 4) === 0 && vcpu.checkpoint()); // polls, and lets others go on
      memory.write(UART, 4, character.charCodeAt(0));
    }
  };
  let seen = 0;
  memory.write(TIMER, 4, PERIOD_MS);
  while (seen < TICKS && vcpu.waitForInterrupt()) {
    // One wake-up may stand for several ticks, or for none: the register says how many there were.
    for (let ticks = memory.read(TIMER, 4); ticks > 0 && seen < TICKS; ticks -= 1) {
      seen += 1;
      print(`tick ${seen} of ${TICKS}\n`);
    }
  }
  return seen;
}
