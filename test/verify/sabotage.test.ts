/** The check can fail: each of these breaks one thing on real threads, and is convicted for it. */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { type Layout, parseLayout } from '../../src/qemu/layout-file.ts';
import type { CellOrigin } from '../../src/verify/cell-book.ts';
import { CLASS_RAM, cellOf, classOf } from '../../src/verify/cell-format.ts';
import type { LiveRun } from '../../src/verify/live-run.ts';
import { type RunOptions, type RunReport, runPhases } from '../../src/verify/run-phases.ts';
import type { Workload } from '../../src/verify/workload.ts';

const machine = (name: string): Layout => {
  const file = new URL(`../../machines/${name}.json`, import.meta.url);
  return parseLayout(readFileSync(file, 'utf8'), name);
};
const q35 = machine('booted-q35-default');

const run = (options: Partial<RunOptions> = {}, layout = q35): Promise<RunReport> => {
  const { signal } = new AbortController();
  const usual = { machine: 'test', vcpus: 2, seconds: 0.4, churn: 500, seed: 1, signal } as const;
  return runPhases(layout, { ...usual, ...options }, () => {});
};
const diagnoses = ({ verification }: RunReport): string =>
  verification.examples.map(({ diagnosis }) => diagnosis).join('\n');

/** A RAM word that the vCPUs are sure to look at. */
function someRamWord({ tables, book }: Workload): CellOrigin {
  const entry = tables.entries.find((candidate) => classOf(candidate) === CLASS_RAM)!;
  return book.originOf(cellOf(entry))!;
}

let overwriting: NodeJS.Timeout | undefined;
afterEach(() => clearInterval(overwriting));

/** Again and again once the vCPUs run: one who writes the word before it reads it would notice nothing. */
async function overwrite(
  live: LiveRun,
  { region, offset }: Pick<CellOrigin, 'region' | 'offset'>,
  bytes: Uint8Array,
): Promise<void> {
  await live.warmUp(0);
  overwriting = setInterval(() => live.machine.writeRam(region, offset, bytes), 1);
}

describe('an honest run', () => {
  test.each(['booted-q35-default', 'riscv64-virt', 'avr-uno', 's390x-ccw-virtio', 'mps2-an521', 'pc-pflash'])(
    'of %s has no violation',
    async (name) => {
      const report = await run({}, machine(name));
      expect(report.verification).toMatchObject({ violations: 0, examples: [] });
      expect(report.verification.checked).toBeGreaterThan(10_000);
      expect(report.churn.publications).toBeGreaterThan(0);
      expect(report.layout.states).toBeGreaterThan(1);
    },
  );
  test('with 5 vCPUs on few cores has none either', async () => {
    const report = await run({ vcpus: 5, churn: 'max', seed: 7 });
    expect(report.verification).toMatchObject({ violations: 0 });
    expect(report.quiet.perVcpu).toHaveLength(5);
  });
});

describe('a run is convicted', () => {
  test('if a vCPU keeps its map past a checkpoint', async () => {
    const report = await run({ program: new URL('./stale-program.ts', import.meta.url) });
    expect(report.verification.violations).toBeGreaterThan(0);
    expect(diagnoses(report)).toMatch(/stale (?:map|layout)|wrong MemTxResult/);
  });

  test('if devices answer for another offset', async () => {
    const report = await run({ churn: 'off', probeModule: new URL('./lying-device.ts', import.meta.url) });
    expect(report.verification.violations).toBeGreaterThan(0);
    expect(diagnoses(report)).toMatch(/wrong offset: '.*' answered for offset 0x/);
  });

  test('if someone else writes a word of RAM', async () => {
    const report = await run({
      churn: 'off',
      onStart(live, workload) {
        void overwrite(live, someRamWord(workload), Uint8Array.of(0xee, 0xee, 0xee, 0xee));
      },
    });
    expect(report.verification.violations).toBeGreaterThan(0);
    expect(report.verification.examples.length).toBeGreaterThan(0);
  });

  test('if half a word of RAM is torn away, the tag left as it was', async () => {
    const report = await run({
      churn: 'off',
      onStart(live, workload) {
        const { region, offset } = someRamWord(workload);
        void overwrite(live, { region, offset: offset + 2n }, Uint8Array.of(0x5a, 0x5a));
      },
    });
    expect(report.verification.violations).toBeGreaterThan(0);
    expect(diagnoses(report)).toMatch(/lost or foreign write|went back/);
  });

  test('if the private RAM of a vCPU is overwritten', async () => {
    const report = await run({
      churn: 'off',
      onStart(live, { privateRam }) {
        const [counter] = privateRam.counterWords();
        void overwrite(live, counter!, new Uint8Array(4));
      },
    });
    expect(report.verification.violations).toBeGreaterThan(0);
    expect(diagnoses(report)).toMatch(/counter went back|lost or foreign/);
  });

  test('if what is due is off by one state', async () => {
    const report = await run({
      churn: 'off',
      onStart: (_run, { tables }) => void tables.entries.copyWithin(0, tables.sampleCount),
    });
    expect(report.verification.violations).toBeGreaterThan(0);
  });
});

test('a vCPU that fails is reported as our fault, and no thread stays', async () => {
  const failing = run({ program: new URL('./failing-program.ts', import.meta.url) });
  await expect(failing).rejects.toThrow(/vCPU \d failed: RangeError: the program lost its way/);
  await expect(failing).rejects.not.toHaveProperty('code');
});

test('a run that is cut short reports what it has', async () => {
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 900);
  const report = await run({ seconds: 60, signal: abort.signal });
  expect(report).toMatchObject({ interrupted: true, verification: { violations: 0 } });
  expect(report.churn.publications).toBe(0);
});
