/**
 * Builds the native programs, into a folder that the process removes when it ends.
 * What a machine lacks for that is told in one line, with the Debian package that brings it.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Flavour = 'qsbr' | 'memb' | 'mb';

const COMPILER = 'cc';
const SOURCES = fileURLToPath(new URL('./', import.meta.url));
const FLAGS = ['-O2', '-std=gnu11', '-Wall', '-Wextra', '-pthread'];

let folder: string | null = null;
const built = new Map<string, string>();

/** Of this process; made when first asked for. */
export function buildFolder(): string {
  if (folder === null) {
    const made = mkdtempSync(join(tmpdir(), 'flatview-native-'));
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
    folder = made;
  }
  return folder;
}

/** Why the C programs cannot be built here; null if they can. */
export function whyNoBuild(): string | null {
  const probe = compile(
    'qsbr',
    ['-x', 'c', '-'],
    'probe',
    '#include "flavour.h"\nint main(void) { return 0; }\n',
  );
  if (probe.missing) return `there is no C compiler "${COMPILER}" (Debian: apt-get install gcc)`;
  return probe.fault === null
    ? null
    : 'liburcu and its headers are missing (Debian: apt-get install liburcu-dev)';
}

/** Path of the program, built with the flavour of liburcu. */
export function buildNative(program: 'access' | 'rebuild', flavour: Flavour): string {
  const name = `${program}-${flavour}`;
  const known = built.get(name);
  if (known !== undefined) return known;
  const sources = [program, 'machine', 'radix-map'].map((source) => `${source}.c`);
  const { fault, path } = compile(flavour, sources, name);
  if (fault !== null) throw new Error(`${name} does not build: ${fault}`);
  built.set(name, path);
  return path;
}

interface Build {
  readonly path: string;
  /** The compiler itself is. */
  readonly missing: boolean;
  /** What the compiler said. */
  readonly fault: string | null;
}

function compile(flavour: Flavour, sources: readonly string[], name: string, input = ''): Build {
  const path = join(buildFolder(), name);
  const flags = [...FLAGS, `-DFLAVOUR_${flavour.toUpperCase()}`, `-I${SOURCES}`, '-o', path];
  const run = spawnSync(COMPILER, [...flags, ...sources, `-lurcu-${flavour}`], {
    cwd: SOURCES,
    input,
    encoding: 'utf8',
  });
  return {
    path,
    missing: (run.error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT',
    fault: run.status === 0 ? null : (run.stderr ?? ''),
  };
}
