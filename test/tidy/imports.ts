/**
 * Import order: downwards only, and never from one side to the other. The table is layers.json: a folder
 * of src and the folders that it may import besides itself and base. Folders that it does not name
 * (service, cli) wire the others together and may import all that is below them.
 */

import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import layers from './layers.json' with { type: 'json' };
import type { Fault, Source } from './project.ts';

const layerTable: Readonly<Record<string, readonly string[]>> = layers;

/** The only files that may re-export: the faces of `flatview`, `flatview/vcpu` and `flatview/service`. */
export const packageFaces: readonly string[] = ['src/index.ts', 'src/vcpu-program.ts', 'src/http-service.ts'];

/** Who may import the HTTP service, which loads Fastify: itself, the command line, and its face. */
const MAY_SERVE: ReadonlySet<string> = new Set(['http', 'cli', 'http-service.ts']);

const importPattern =
  /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm;
const reExportPattern = /^\s*export\s+(?:type\s+)?(?:\*|\{[^}]*\})(?:\s*as\s+\w+)?\s*(?:from\b|;?$)/gm;

/** What the file imports or re-exports, as written. */
export const importsOf = (text: string): readonly string[] =>
  [...text.matchAll(importPattern)].map((match) => (match[1] ?? match[2] ?? match[3])!);

export function importFaults({ path, text }: Source): readonly Fault[] {
  const [top, folder = ''] = path.split('/');
  if (top !== 'src' && top !== 'workers') return [];
  const below = top === 'src' ? layerTable[folder] : undefined;
  return importsOf(text).flatMap((specifier) => {
    const fault = (reason: string): Fault[] => [`${path}: imports ${specifier}: ${reason}`];
    if (!specifier.startsWith('.')) {
      return below && !isBuiltin(specifier) ? fault('the core has no runtime dependency') : [];
    }
    const target = posix.join(posix.dirname(path), specifier);
    const [targetTop, targetFolder = ''] = target.split('/');
    if (!target.endsWith('.ts')) return fault('a relative import names the file with its .ts');
    if (targetTop === 'machines') return below ? fault('the core knows no machine') : [];
    if (targetTop !== 'src' && targetTop !== 'workers') return fault('not part of what is shipped');
    if (packageFaces.includes(target)) return fault('import from the file that defines the thing');
    if (targetFolder === 'cli' && folder !== 'cli') return fault('nothing stands on the command line');
    if (targetFolder === 'http' && !MAY_SERVE.has(folder)) return fault('only the command line serves');
    if (!below) return [];
    const allowed = [folder, 'base', ...below];
    return targetTop === 'src' && allowed.includes(targetFolder)
      ? []
      : fault(`${folder} may import ${allowed.join(', ')}`);
  });
}

/** No barrels: they hide cycles. */
export function reExportFaults({ path, text }: Source): readonly Fault[] {
  if (packageFaces.includes(path)) return [];
  const count = [...text.matchAll(reExportPattern)].length;
  const named = path.startsWith('src/') && posix.basename(path) === 'index.ts';
  return [
    ...(count > 0 ? [`${path}: re-exports; only ${packageFaces.join(' and ')} may`] : []),
    ...(named ? [`${path}: no index.ts inside a layer; name the file after its concept`] : []),
  ];
}
