/**
 * The same costs in C: QEMU's design in our own code (native/access.c and native/rebuild.c say what is in them
 * and what is left out), and QEMU itself. The C programs get the very addresses of the other rows, are timed in
 * the same way, and no sample counts unless the sum that they read is right.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { barSections, encodeInput, mixSections, type NativeSection, ramSections } from './native/input.ts';
import { NativeProgram } from './native/native-program.ts';
import { qemuRows, whyNoQemu } from './native/qemu.ts';
import { buildFolder, buildNative, type Flavour, whyNoBuild } from './native/toolchain.ts';
import { REGION_COUNTS } from './support/many-bars.ts';
import { type Measured, measureReported, type Row } from './support/measure.ts';
import { mixStream } from './support/mix.ts';
import { expectedSum, type Stream, sequentialStream } from './support/stream.ts';

const RAM_START = 0x10_0000;
const WORD_COUNT = 65_536;
const ROUNDS = 8; // as measurePasses

export interface AccessPlan {
  readonly kind: 'load' | 'load-walk' | 'load-tlb' | 'store';
  readonly flavour: Flavour;
  readonly readers?: number;
  /** Maps published a second; -1: as many as one more thread can. */
  readonly churn?: number;
  of(): { sections: readonly NativeSection[]; stream: Stream };
}

const mix = () => ({ sections: mixSections(), stream: mixStream() });
const sequential = () => ({
  sections: ramSections(RAM_START, 4 * WORD_COUNT),
  stream: sequentialStream(RAM_START, WORD_COUNT),
});

/** Layouts a second of the target for readers under churn. */
const CHURN = 10_000;

/** By row: how to measure it. A test makes one turn of each. */
export const accessPlans: Readonly<Record<string, AccessPlan>> = {
  'native/random-mix-qsbr': { kind: 'load', flavour: 'qsbr', of: mix },
  'native/random-mix-memb': { kind: 'load', flavour: 'memb', of: mix },
  'native/random-mix-mb': { kind: 'load', flavour: 'mb', of: mix },
  'native/random-mix-walk-qsbr': { kind: 'load-walk', flavour: 'qsbr', of: mix },
  'native/random-mix-tlb-qsbr': { kind: 'load-tlb', flavour: 'qsbr', of: mix },
  'native/random-mix-2thread-qsbr': { kind: 'load', flavour: 'qsbr', readers: 2, of: mix },
  'native/random-mix-churn-qsbr': { kind: 'load', flavour: 'qsbr', churn: CHURN, of: mix },
  'native/random-mix-churn-memb': { kind: 'load', flavour: 'memb', churn: CHURN, of: mix },
  'native/random-mix-churn-mb': { kind: 'load', flavour: 'mb', churn: CHURN, of: mix },
  'native/random-mix-churn-max-qsbr': { kind: 'load', flavour: 'qsbr', churn: -1, of: mix },
  'native/sequential-qsbr': { kind: 'load', flavour: 'qsbr', of: sequential },
  'native/sequential-memb': { kind: 'load', flavour: 'memb', of: sequential },
  'native/sequential-mb': { kind: 'load', flavour: 'mb', of: sequential },
  'native/sequential-tlb-qsbr': { kind: 'load-tlb', flavour: 'qsbr', of: sequential },
  'native/write-sequential-qsbr': { kind: 'store', flavour: 'qsbr', of: sequential },
};

/** Makes turns and refuses wrong sums. */
export class AccessTurns {
  private readonly program: NativeProgram;
  private readonly sums: readonly number[];

  constructor({ kind, flavour, readers = 1, churn = 0, of }: AccessPlan, rounds = ROUNDS) {
    const { sections, stream } = of();
    const file = inputFile(encodeInput(sections, stream));
    this.sums = new Array(readers).fill(
      kind === 'store' ? stream.los.reduce((sum, _, i) => (sum + i) | 0, 0) : expectedSum(stream),
    );
    this.program = new NativeProgram(
      buildNative('access', flavour),
      [file, kind, readers, rounds, churn].map(String),
    );
  }

  /** Mean of the nanoseconds that the readers took, and maps published since the start. */
  async turn(): Promise<{ ns: number; publications: number }> {
    const [ns, publications, ...sums] = await this.program.turn();
    requireEqual(sums.join(), this.sums.join(), 'sums of what was read');
    return { ns: ns!, publications: publications! };
  }

  close(): Promise<void> {
    return this.program.close();
  }
}

/** Makes turns and refuses maps that do not find their sections. */
export class RebuildTurns {
  private readonly program: NativeProgram;
  private readonly count: number;

  constructor(count: number, rounds: number) {
    this.count = count;
    const file = inputFile(encodeInput(barSections(count)));
    this.program = new NativeProgram(buildNative('rebuild', 'qsbr'), [file, `${rounds}`]);
  }

  /** Nanoseconds of all rounds. */
  async turn(): Promise<number> {
    const [ns, found] = await this.program.turn();
    requireEqual(`${found}`, `${this.count}`, 'sections that the map finds');
    return ns!;
  }

  close(): Promise<void> {
    return this.program.close();
  }
}

function requireEqual(got: string, expected: string, what: string): void {
  if (got !== expected) throw new Error(`a native row is wrong: ${what}: ${got}, expected ${expected}`);
}

let inputs = 0;

function inputFile(bytes: Uint8Array): string {
  const file = join(buildFolder(), `input-${inputs++}`);
  writeFileSync(file, bytes);
  return file;
}

async function measureAccesses(plan: AccessPlan): Promise<Measured> {
  const turns = new AccessTurns(plan);
  try {
    const start = performance.now();
    const before = (await turns.turn()).publications;
    const measured = await measureReported(async () => (await turns.turn()).ns, {
      operations: plan.of().stream.los.length * ROUNDS,
      threads: (plan.readers ?? 1) + (plan.churn === undefined ? 0 : 1),
    });
    if (plan.churn === undefined) return measured;
    const maps = (await turns.turn()).publications - before;
    return { ...measured, figures: { publicationsPerSecond: maps / ((performance.now() - start) / 1000) } };
  } finally {
    await turns.close();
  }
}

/** Sections built anew in one turn, so that it takes about a millisecond. */
const SECTIONS_A_TURN = 10_000;

async function measureRebuilds(count: number): Promise<Measured> {
  const rounds = SECTIONS_A_TURN / count;
  const turns = new RebuildTurns(count, rounds);
  try {
    return await measureReported(() => turns.turn(), { operations: rounds });
  } finally {
    await turns.close();
  }
}

/** The rows that can be measured here, and a line for each group of them that cannot. */
export function nativeRows(): { rows: readonly Row[]; missing: readonly string[] } {
  const noBuild = whyNoBuild();
  const noQemu = whyNoQemu();
  const built: Row[] = [
    ...Object.entries(accessPlans).map(([name, plan]) => ({ name, measure: () => measureAccesses(plan) })),
    ...REGION_COUNTS.map((count) => ({
      name: `native/rebuild-${count}`,
      measure: () => measureRebuilds(count),
    })),
  ];
  return {
    rows: [...(noBuild === null ? built : []), ...(noQemu === null ? qemuRows : [])],
    missing: [
      ...(noBuild === null ? [] : [`rows of native C are skipped: ${noBuild}`]),
      ...(noQemu === null ? [] : [`rows of QEMU are skipped: ${noQemu}`]),
    ],
  };
}
