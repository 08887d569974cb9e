/** What a device register costs a guest of QEMU's TCG: by difference of two runs, so that the start is not in it. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Measured, measureReported } from '../support/measure.ts';
import { guestWords } from './guest.ts';
import { buildFolder } from './toolchain.ts';

const QEMU = 'qemu-system-riscv64';
const READS_FEW = 100_000;
const READS_MANY = 1_100_000;
/** For a guest that hangs, not for one that is slow. */
const RUN_MS_MAX = 60_000;

/** Why no guest can be run here; null if one can. */
export const whyNoQemu = (): string | null =>
  spawnSync(QEMU, ['--version']).status === 0
    ? null
    : `there is no ${QEMU} (Debian: apt-get install qemu-system-misc)`;

/** @returns ns from start to end of a machine whose harts make `reads` each */
export function runGuest(reads: number, harts: number): number {
  const image = join(buildFolder(), `guest-${reads}-${harts}.bin`);
  writeFileSync(image, new Uint8Array(guestWords(reads, harts).buffer));
  const accelerator = harts === 1 ? 'tcg' : 'tcg,thread=multi';
  const machine = ['-M', 'virt', '-accel', accelerator, '-smp', `${harts}`, '-bios', image];
  const start = performance.now();
  const run = spawnSync(QEMU, [...machine, '-display', 'none', '-serial', 'null', '-monitor', 'none'], {
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

/** Nanoseconds a read, of each of `harts` at once. */
export const measureGuest = (harts: number): Promise<Measured> =>
  measureReported(async () => runGuest(READS_MANY, harts) - runGuest(READS_FEW, harts), {
    operations: READS_MANY - READS_FEW,
    threads: harts,
  });
