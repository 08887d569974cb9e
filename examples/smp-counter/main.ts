/**
 * smp-counter: RISC-V harts on vCPU threads share a counter, a lock and a UART that moves while they print.
 *
 *   node --import tsx examples/smp-counter/main.ts [HARTS...]     default: 1 2 4
 *
 * Each hart is an RV32IMA interpreter (hart.ts) on a thread of its own; all its memory accesses go through the
 * vCPU's memory port. They add to one counter by AMO and to another under an LR/SC spinlock, print under that
 * lock, and sleep in WFI until a doorbell wakes them. Hart 0 writes a BAR register in mid-run, whose device moves
 * the UART's region by a transaction; the others go on printing through its new place (guest.ts says why that is
 * safe). In the end both counters and every line of text must be exact, or the exit status is 1.
 */
import type { GuestSettings } from './guest.ts';
import { hex } from './guest-fault.ts';
import { HARTS_MAX } from './machine-map.ts';
import { faultsOf, runGuest } from './smp-machine.ts';

const LINES = 9;
const ADDITIONS = 4000;

function hartCounts(args: readonly string[]): number[] | null {
  if (args.length === 0) return [1, 2, 4];
  const counts = args.map(Number);
  return counts.every((count) => Number.isInteger(count) && count >= 1 && count <= HARTS_MAX) ? counts : null;
}

/** Runs the guest once and tells about it; true if everything was exact. */
async function show(settings: GuestSettings): Promise<boolean> {
  const started = performance.now();
  const run = await runGuest(settings);
  const ms = performance.now() - started;
  const instructions = run.reports.reduce((sum, report) => sum + report.retired, 0);
  const faults = faultsOf(settings, run);
  console.log(`== ${settings.harts} hart${settings.harts === 1 ? '' : 's'}`);
  process.stdout.write(run.text);
  console.log(`counters: ${run.byAmo} by AMO, ${run.underLock} under the lock`);
  console.log(`UART: moved ${run.uartMoves} times, now at ${hex(run.uartBase)}`);
  console.log(`${instructions} instructions, ${ms.toFixed(0)} ms with the start of the threads`);
  console.log(faults.length === 0 ? 'exact' : `NOT exact:\n  ${faults.join('\n  ')}`);
  return faults.length === 0;
}

const counts = hartCounts(process.argv.slice(2));
if (counts === null) {
  console.error(`smp-counter: the numbers of harts must be whole, from 1 to ${HARTS_MAX}, such as: 1 2 4`);
  process.exitCode = 2;
} else {
  for (const harts of counts) {
    try {
      if (!(await show({ harts, lines: LINES, additions: ADDITIONS }))) process.exitCode = 1;
    } catch (error) {
      console.error(`smp-counter: ${error instanceof Error ? error.message : error}`);
      process.exitCode = 1;
    }
  }
}
