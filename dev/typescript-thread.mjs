/**
 * First module of a thread while the project runs from its TypeScript sources, by tsx or vitest: makes the
 * thread read TypeScript, for imports and for the devices that it loads by require, then hands over to the
 * real entry. The built package starts its entries directly.
 */
import { workerData } from 'node:worker_threads';
import { register as registerRequire } from 'tsx/cjs/api';
import { register as registerImport } from 'tsx/esm/api';

registerImport();
registerRequire();

export const { run } = await import(workerData.entry);
