import { parentPort } from 'node:worker_threads';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
const req = createRequire(import.meta.url);
const m = req(fileURLToPath(new URL('./dev.ts', import.meta.url)));
const n = await import('./dev.ts');
parentPort!.postMessage([typeof m.default, new m.default().read(4), Object.keys(m), m.default === n.default]);
