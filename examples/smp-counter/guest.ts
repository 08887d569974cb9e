/**
 * The program that all harts run, and what must come of it.
 *
 * Each hart adds to one counter by AMO and, under a spinlock, to another by plain load and store, and prints its
 * lines under the same lock. After each of its own lines hart 0, still holding the lock, stores the UART's other
 * place to the BAR register and publishes that place in RAM. The rules that make this safe on real threads:
 *
 *   1. Nobody uses the UART without the lock, so nobody is within a line when it moves.
 *   2. The store to the BAR returns after the new map is published; hart 0 sees it at its next access.
 *   3. Whoever takes the lock executes FENCE before it uses the UART. FENCE is a checkpoint in this interpreter,
 *      and it comes after the lock was handed over, hence after the move: the hart has the new map from here on.
 *
 * At the start and when all lines are printed the harts meet: each reports to hart 0 and sleeps in WFI until
 * rung. A ring between the look at the count and the WFI is not lost, for the WFI then returns at once. The last
 * lines show that everyone found the UART at its last place.
 */
import { type AssembledProgram, assemble } from './assembler.ts';
import { hex } from './guest-fault.ts';
import { GUEST_SOURCE } from './guest-source.ts';
import {
  BAR_BASE,
  DOORBELL_BASE,
  FINISHER_BASE,
  FINISHER_PASS,
  RAM_BASE,
  STACK_SIZE,
  STACKS_BASE,
  UART_DATA,
  UART_FIRST_BASE,
  UART_LINE_STATUS,
  UART_READY,
  UART_SECOND_BASE,
} from './machine-map.ts';

export interface GuestSettings {
  readonly harts: number;
  /** Lines that each hart prints while the UART moves; hart 0 moves it after each of its own. */
  readonly lines: number;
  /** Additions to each of the two counters before each line. */
  readonly additions: number;
}

/** Offsets of the words that all harts share, from the label `shared`. Zero at reset, but for UART_BASE. */
export const SHARED_WORDS = {
  LOCK: 0, //         1 while held
  BY_AMO: 4, //       the counter that AMOADD counts up
  UNDER_LOCK: 8, //   the counter that the lock protects
  START: 12, //       harts that have come to the start; then 1 for go
  MIDDLE: 20, //      harts that are through part 1; then 1 for go
  FINISHED: 28, //    harts that have printed where they found the UART
  UART_BASE: 32, //   written by hart 0 with the lock held
};

/** The words for `settings`; `source` may be a variation of GUEST_SOURCE. */
export function assembleGuest(settings: GuestSettings, source: string = GUEST_SOURCE): AssembledProgram {
  return assemble(source, RAM_BASE, {
    ...SHARED_WORDS,
    HARTS: settings.harts,
    LINES: settings.lines,
    ADDITIONS: settings.additions,
    BAR: BAR_BASE,
    DOORBELL: DOORBELL_BASE,
    FINISHER: FINISHER_BASE,
    PASS: FINISHER_PASS,
    STACKS: STACKS_BASE,
    STACK_SIZE,
    UART_FIRST: UART_FIRST_BASE,
    UART_BOTH: UART_FIRST_BASE ^ UART_SECOND_BASE,
    UART_DATA,
    UART_LINE_STATUS,
    UART_READY,
  });
}

/** What both counters must be in the end. */
export const expectedCount = ({ harts, lines, additions }: GuestSettings): number =>
  harts * lines * additions;

/** Where the UART must be in the end: hart 0 moves it once a line. */
export const expectedUartBase = ({ lines }: GuestSettings): number =>
  lines % 2 === 0 ? UART_FIRST_BASE : UART_SECOND_BASE;

/** What is wrong with `text`, a sentence each. Harts take turns as they will, but nothing may be out of place. */
export function textFaults(settings: GuestSettings, text: string): string[] {
  const faults: string[] = [];
  const lines = text.split('\n');
  if (lines.pop() !== '') faults.push('the last line does not end');
  for (let hart = 0; hart < settings.harts; hart++) {
    const found = lines.filter((line) => line.startsWith(`hart ${hart}:`));
    const expected = linesOfHart(hart, settings);
    if (found.join('\n') !== expected.join('\n')) {
      faults.push(`hart ${hart} printed "${found.join(' | ')}" instead of "${expected.join(' | ')}"`);
    }
  }
  const lineCount = settings.harts * (settings.lines + 1) + 1;
  if (lines.length !== lineCount) faults.push(`${lines.length} lines instead of ${lineCount}`);
  const part2 = lines.slice(settings.harts * settings.lines);
  if (part2.some((line) => line.includes('line'))) faults.push('part 2 began before part 1 was over');
  if (part2.at(-1)?.includes('counted') !== true) faults.push('the count is not the last line');
  return faults;
}

/** One hart's lines in their order. */
function linesOfHart(hart: number, settings: GuestSettings): string[] {
  const count = expectedCount(settings);
  return [
    ...Array.from({ length: settings.lines }, (_, line) => `hart ${hart}: line ${line}`),
    `hart ${hart}: awake, UART at ${hex(expectedUartBase(settings))}`,
    ...(hart === 0 ? [`hart 0: counted ${count} by AMO, ${count} under the lock`] : []),
  ];
}
