import { Worker } from 'node:worker_threads';
const ea = process.argv[2] ? JSON.parse(process.argv[2]) : undefined;
console.time('w');
const w = new Worker(new URL('./w.ts', import.meta.url), { execArgv: ea });
w.on('message', (x) => {console.timeEnd('w'); console.log(x)}); w.on('error', (e)=>console.log('ERR',e.code));
