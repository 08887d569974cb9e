/**
 * What QEMU itself takes, under TCG: for a read of a device register, and for a BAR that its guest moves. Each is a
 * difference of two runs, one of few and one of many, so that the start is not in it.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { measureReported, type Row } from '../support/measure.ts';
import { barGuest, LOADS_A_PASS, ramGuest, uartGuest } from './guest.ts';
import { buildFolder } from './toolchain.ts';

const QEMU = 'qemu-system-riscv64';
/** For a guest that hangs, not for one that is slow. */
const RUN_MS_MAX = 60_000;

/** Why no guest can be run here; null if one can. */
export const whyNoQemu = (): string | null =>
  spawnSync(QEMU, ['--version']).status === 0
    ? null
    : `there is no ${QEMU} (Debian: apt-get install qemu-system-misc)`;

interface Guest {
  readonly harts: number;
  /** PCI functions with a BAR. */
  readonly functions: number;
  /** Its program, to do its thing `times`. */
  wordsFor(times: number): Int32Array;
}

/** Each hart reads a register of the UART. */
export const uartReads = (harts: number): Guest => ({
  harts,
  functions: 0,
  wordsFor: (times) => uartGuest(times, harts),
});

/** The only hart loads the words of a window of RAM, LOADS_A_PASS each time. */
export const ramPasses: Guest = { harts: 1, functions: 0, wordsFor: ramGuest };

/** The only hart moves one of `functions` BARs. */
export const barMoves = (functions: number): Guest => ({
  harts: 1,
  functions,
  wordsFor: (times) => barGuest(times, functions),
});

/** @returns ns from start to end of a machine whose guest does its thing `times` */
export function runGuest({ harts, functions, wordsFor }: Guest, times: number): number {
  const image = join(buildFolder(), 'guest.bin');
  writeFileSync(image, new Uint8Array(wordsFor(times).buffer));
  const accelerator = harts === 1 ? 'tcg' : 'tcg,thread=multi';
  const machine = ['-M', 'virt', '-accel', accelerator, '-smp', `${harts}`, '-bios', image];
  const cards = Array.from({ length: functions }, (_, i) => {
    const slot = 1 + (i >>> 3);
    return ['-device', `edu,addr=${slot.toString(16)}.${i & 7},multifunction=on`];
  }).flat();
  const quiet = ['-display', 'none', '-serial', 'null', '-monitor', 'none'];
  const start = performance.now();
  const run = spawnSync(QEMU, [...machine, ...cards, ...quiet], {
    encoding: 'utf8',
    timeout: RUN_MS_MAX,
    killSignal: 'SIGKILL',
  });
  const ns = (performance.now() - start) * 1e6;
  if (run.status !== 0) {
    throw new Error(`${QEMU} ended with ${run.signal ?? `status ${run.status}`}: ${run.stderr}`);
  }
  return ns;
}

/** @param each operations that the guest makes each time */
const rowFor = (name: string, guest: Guest, few: number, many: number, each = 1): Row => ({
  name,
  measure: () =>
    measureReported(async () => runGuest(guest, many) - runGuest(guest, few), {
      operations: (many - few) * each,
      threads: guest.harts,
    }),
});

export const qemuRows: readonly Row[] = [
  rowFor('native/qemu-tcg-ram-read', ramPasses, 10, 2010, LOADS_A_PASS),
  rowFor('native/qemu-tcg-uart-read', uartReads(1), 100_000, 1_100_000),
  rowFor('native/qemu-tcg-uart-read-2vcpu', uartReads(2), 100_000, 1_100_000),
  rowFor('native/qemu-tcg-bar-move-10', barMoves(10), 10, 1010),
  rowFor('native/qemu-tcg-bar-move-100', barMoves(100), 10, 1010),
];
