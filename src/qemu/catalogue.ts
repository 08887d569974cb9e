/** The layouts and sequences that come with the package, by name. */
import { readdirSync } from 'node:fs';
import { MemoryError } from '../base/errors.ts';

/** Short names for what is asked for most. */
const MACHINE_ALIASES: Readonly<Record<string, string>> = {
  q35: 'booted-q35-default',
  pc: 'booted-pc-default',
  riscv: 'booted-riscv64-virt',
  virt: 'aarch64-virt-highmem-on-6g',
  raspi: 'raspi3b',
  microvm: 'microvm-pcie',
  q800: 'm68k-q800',
  an521: 'mps2-an521',
  uno: 'avr-uno',
  s390x: 's390x-ccw-virtio',
};

const folder = new URL('../../machines/', import.meta.url);
const sequenceFolder = new URL('sequences/', folder);

/** The names of all bundled layouts, sorted; short names are not among them. */
export const machineNames = (): string[] => namesIn(folder);

/** The names of all bundled sequences, sorted. */
export const sequenceNames = (): string[] => namesIn(sequenceFolder);

/** Where the layout with this name or short name is, or null. */
export function findMachine(name: string): URL | null {
  const full = Object.hasOwn(MACHINE_ALIASES, name) ? MACHINE_ALIASES[name]! : name;
  return machineNames().includes(full) ? new URL(`${full}.json`, folder) : null;
}

export const findSequence = (name: string): URL | null =>
  sequenceNames().includes(name) ? new URL(`${name}.json`, sequenceFolder) : null;

/** @throws MemoryError INVALID_ARGUMENT for an unknown name, with the names that are known */
export function machineUrl(name: string): URL {
  return findMachine(name) ?? unknown('machine', name, [...Object.keys(MACHINE_ALIASES), ...machineNames()]);
}

/** @throws MemoryError INVALID_ARGUMENT for an unknown name, with the names that are known */
export function sequenceUrl(name: string): URL {
  return findSequence(name) ?? unknown('sequence', name, sequenceNames());
}

function unknown(what: string, name: string, known: readonly string[]): never {
  const shown = name.length > 80 ? `${name.slice(0, 80)}…` : name;
  throw new MemoryError(
    'INVALID_ARGUMENT',
    `'${shown}' is neither a file nor a bundled ${what}; bundled are: ${known.join(', ')}`,
  );
}

const namesIn = (place: URL): string[] =>
  readdirSync(place)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
