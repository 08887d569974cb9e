/** Runs a few instructions of the example's interpreter and shows what became of registers and memory. */
import { assemble } from '../../examples/smp-counter/assembler.ts';
import type { Hart } from '../../examples/smp-counter/hart.ts';
import { RAM_BASE } from '../../examples/smp-counter/machine-map.ts';
import { FakeMachine } from './smp-counter-fake.ts';

export const MIN = -(2 ** 31);
export const MAX = 2 ** 31 - 1;
export const A0 = 10;
export const A1 = 11;
export const A2 = 12;
/** A place for data, far from the program. */
export const DATA = RAM_BASE + 0x1000;

/** A hart of id 3 of 4 at the start of `source`, which ends in WFI; DATA and the words there are ready. */
export function hartFor(source: string, data: readonly number[] = []): { hart: Hart; machine: FakeMachine } {
  const { words } = assemble(`${source}\n wfi`, RAM_BASE, { DATA });
  const machine = new FakeMachine(4, words);
  for (const [index, word] of data.entries()) machine.ram.setInt32(DATA - RAM_BASE + 4 * index, word, true);
  return { hart: machine.seats[3]!.hart, machine };
}

/** Runs to the WFI, past fences; the result is the hart's a0. */
export function finish(hart: Hart): number {
  for (let runs = 0; runs < 100; runs++) {
    if (hart.run(100) === 'sleep') return hart.registers[A0]!;
  }
  throw new Error('the program did not reach its WFI');
}
