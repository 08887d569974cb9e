import { defineConfig } from 'vitest/config';

// Real threads share two cores with the test runner: bounds are for hangs, not for slowness.
const boundMs = { testTimeout: 60_000, hookTimeout: 60_000, teardownTimeout: 20_000 };

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
        },
      },
    ],
  },
});
