import { defineConfig } from 'vitest/config';

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

export default defineConfig({
  test: {
    projects: [
      {
        // The tools (compiler, linter, layer rules) take whole cores, so nothing else runs beside them.
        test: { name: 'tidy', include: ['test/tidy.test.ts'], sequence: { groupOrder: 0 }, ...boundMs },
      },
      {
        test: {
          name: 'flatview',
          include: ['test/**/*.test.ts'],
          exclude: ['test/tidy.test.ts'],
          sequence: { groupOrder: 1 },
          pool: 'forks',
          maxWorkers: 2,
          ...boundMs,
          ...(underCoverage ? measured : {}),
        },
      },
    ],
  },
});
