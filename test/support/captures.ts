/**
 * The captures to test against: those in machines/ always, and all of the shared folder where it exists
 * (FLATVIEW_SHARED names it; next to the project by default).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FlatJson } from '../../src/qemu/flat-json.ts';

const bundled = fileURLToPath(new URL('../../machines/', import.meta.url));
const fixtures = fileURLToPath(new URL('../qemu/fixtures/text', import.meta.url));
const shared = process.env['FLATVIEW_SHARED'] ?? fileURLToPath(new URL('../../../shared/', import.meta.url));

export interface Capture {
  readonly name: string;
  readonly text: string;
}

function capturesIn(folder: string): Capture[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => ({
      name: file.slice(0, -'.json'.length),
      text: readFileSync(`${folder}/${file}`, 'utf8'),
    }));
}

/** Each name once; the bundled file where both folders have it. */
function allCaptures(bundledFolder: string, sharedFolder: string): Capture[] {
  const here = capturesIn(bundledFolder);
  const names = new Set(here.map(({ name }) => name));
  return [...here, ...capturesIn(sharedFolder).filter(({ name }) => !names.has(name))];
}

export const machineCaptures = (): Capture[] => allCaptures(bundled, `${shared}/qemu/machines`);
export const sequenceCaptures = (): Capture[] =>
  allCaptures(`${bundled}/sequences`, `${shared}/qemu/sequences`);

export interface TextCapture {
  readonly name: string;
  /** The text of one monitor command, such as `mtree-D`; undefined where it was not captured. */
  read(command: string): string | undefined;
}

/** The monitor's texts: a few bundled ones always, and all of the shared folder where it exists. */
export function textCaptures(): TextCapture[] {
  const folders = [fixtures, `${shared}/qemu/text`].filter((folder) => existsSync(folder));
  const names = new Set(folders.flatMap((folder) => readdirSync(folder)));
  return [...names].map((name) => ({
    name,
    read(command) {
      const file = folders
        .map((folder) => `${folder}/${name}/${command}.txt`)
        .find((path) => existsSync(path));
      return file === undefined ? undefined : readFileSync(file, 'utf8');
    },
  }));
}

/** Flat views in one order, since QEMU prints them in the order of a hash. */
export function inOneOrder(flat: readonly FlatJson[]): FlatJson[] {
  return flat
    .map((entry) => ({ ...entry, addressSpaces: [...entry.addressSpaces].sort() }))
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
