/** First module of a thread of a test: teaches the thread to import and to require TypeScript, then hands over to the entry. */
import Module, { register } from 'node:module';
import { workerData } from 'node:worker_threads';
import { javaScriptOf, pathOfFace } from './java-script.mjs';

register('./hooks.mjs', import.meta.url);
const resolve = Module._resolveFilename;
Module._resolveFilename = (request, ...rest) => pathOfFace(request) ?? resolve(request, ...rest);
Module._extensions['.ts'] = (module, file) => module._compile(javaScriptOf(file, 'CommonJS'), file);

export const { run } = await import(workerData.entry);
