/** Module hooks for TypeScript, in the thread that Node runs them in. */
import { fileURLToPath, pathToFileURL } from 'node:url';
import { javaScriptOf, pathOfFace } from './java-script.mjs';

export function resolve(specifier, context, next) {
  const face = pathOfFace(specifier);
  if (face === null) return next(specifier, context);
  return { url: pathToFileURL(face).href, format: 'module', shortCircuit: true };
}

export function load(url, context, next) {
  if (!/\.ts(?:\?|$)/.test(url)) return next(url, context);
  return { format: 'module', source: javaScriptOf(fileURLToPath(url), 'ESNext'), shortCircuit: true };
}
