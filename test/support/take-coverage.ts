/**
 * Setup file of a run under c8: the test runner kills its processes, which would lose what they measured.
 * Threads and processes that the tests start write theirs when they end.
 */
import { takeCoverage } from 'node:v8';
import { afterAll } from 'vitest';

afterAll(() => takeCoverage());
