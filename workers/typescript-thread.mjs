/**
 * First module of a thread where the process reads TypeScript by tsx, which on Node 20 does not reach a worker: makes
 * the thread read it too, for vCPU programs, which are imported, and devices, which are required; then hands over to
 * the real entry. Itself it must be JavaScript. workerData.loader: the file from which tsx is found.
 */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { workerData } from 'node:worker_threads';

const require = createRequire(workerData.loader);
// As an ES module, which lies beside: the CommonJS one looks for its hooks in the wrong folder.
const importsFile = require.resolve('tsx/esm/api').replace(/cjs$/, 'mjs');
const imports = await import(pathToFileURL(importsFile).href);
imports.register();
require('tsx/cjs/api').register();

export const { run } = await import(workerData.entry);
