import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// Real threads share two cores with the test runner: bounds are for hangs, not for slowness.
const boundMs = { testTimeout: 60_000, hookTimeout: 60_000, teardownTimeout: 20_000 };

// Under c8 (npm run coverage) Node itself loads the tests, with tsx: vite's loader leaves no source maps
// for c8, and its numbers would be those of other lines.
const underCoverage = process.env['NODE_V8_COVERAGE'] !== undefined;
const measured = {
  experimental: { viteModuleRunner: false },
  execArgv: ['--import', 'tsx'],
  setupFiles: ['test/support/take-coverage.ts'],
};
/** Threads that tests start in their own process read TypeScript by a quick loader. */
const quickThreads = [
  {
    find: /^\.\/worker-entry\.ts$/,
    replacement: fileURLToPath(new URL('test/support/quick-threads/worker-entry.ts', import.meta.url)),
  },
];

const common = {
  pool: 'forks' as const,
  maxWorkers: 2,
  alias: quickThreads,
  ...boundMs,
  ...(underCoverage ? measured : {}),
};

const tools = 'test/tidy.test.ts';
const core = 'test/{base,dispatch,grace,layout,mailbox,model,publish,qemu,render,vcpu}/*.test.ts';
/** Begin first, the longest at the head, so that no worker is left alone with one of them. */
const LONG = [
  tools,
  'bench/rows',
  'verify/sabotage',
  'stress/stress',
  'verify/replay',
  'cli/run',
  'cli/replay',
];

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = ({ moduleId }: TestSpecification): number => {
      const place = LONG.findIndex((name) => moduleId.includes(name));
      return place < 0 ? LONG.length : place;
    };
    return (await super.sort(files)).toSorted((a, b) => placeOf(a) - placeOf(b));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongFirst },
    projects: [
      {
        // The tools (compiler, linter, layer rules) keep one core busy, and now and then both: not beside threads.
        test: {
          ...common,
          name: 'tidy',
          include: [tools],
          sequence: { groupOrder: 0 },
          testTimeout: 3 * boundMs.testTimeout,
        },
      },
      {
        // These follow each other in the same process, where their modules are loaded already.
        test: {
          ...common,
          name: 'core',
          include: [core],
          isolate: underCoverage,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          name: 'flatview',
          include: ['test/**/*.test.ts'],
          exclude: [tools, core],
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
