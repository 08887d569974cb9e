/**
 * The project's own files and tools, for the rules about them.
 * Guarantee: a list of files is never empty, so a rule cannot pass because it looked at nothing.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Source {
  /** From the project's root, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** A broken rule in one line: place, then what is wrong. */
export type Fault = string;

export const projectRoot = fileURLToPath(new URL('../../', import.meta.url));

const notOurs = new Set(['node_modules', '.git', 'dist', 'coverage', 'stress-failures', '.npm']);

/** All files below the given folders (or named themselves) whose path ends as one of `endings` says. */
export function sourcesUnder(
  places: readonly string[],
  endings: readonly string[],
  except: RegExp = /^$/,
): readonly Source[] {
  const paths = places.flatMap((place) => pathsUnder(place));
  const chosen = paths.filter(
    (path) => endings.some((ending) => path.endsWith(ending)) && !except.test(path),
  );
  if (chosen.length === 0) throw new Error(`no ${endings.join(', ')} file under ${places.join(', ')}`);
  return chosen.sort().map((path) => ({ path, text: readFileSync(join(projectRoot, path), 'utf8') }));
}

/** Like sourcesUnder; a place that does not exist is left out. */
export const typeScriptUnder = (...places: string[]): readonly Source[] =>
  sourcesUnder(
    places.filter((place) => rootEntries().includes(place)),
    ['.ts'],
  );

export const rootEntries = (): readonly string[] =>
  readdirSync(projectRoot).filter((name) => !notOurs.has(name));

function pathsUnder(place: string): readonly string[] {
  try {
    return readdirSync(join(projectRoot, place), { withFileTypes: true })
      .filter((entry) => !notOurs.has(entry.name) && (entry.isDirectory() || entry.isFile()))
      .flatMap((entry) =>
        entry.isDirectory() ? pathsUnder(`${place}/${entry.name}`) : `${place}/${entry.name}`,
      );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return [place];
    throw error;
  }
}

export interface ToolRun {
  readonly status: number | null;
  /** Standard output, then standard error. */
  readonly output: string;
  readonly stdout: string;
}

/** Runs a tool of node_modules to its end. `bin` names one of the package's commands. */
export function runTool(
  packageName: string,
  bin: string,
  args: readonly string[],
  options: { cwd?: string; input?: string } = {},
): ToolRun {
  const require = createRequire(join(projectRoot, 'package.json'));
  const folder = packageFolder(require.resolve.paths(packageName) ?? [], packageName);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    bin: string | Record<string, string>;
  };
  const script = typeof manifest.bin === 'string' ? manifest.bin : manifest.bin[bin]!;
  const run = spawnSync(process.execPath, [join(folder, script), ...args], {
    cwd: options.cwd ?? projectRoot,
    input: options.input,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0', NODE_V8_COVERAGE: '', NODE_OPTIONS: '' },
  });
  if (run.error) throw run.error;
  return { status: run.status, stdout: run.stdout, output: `${run.stdout}${run.stderr}` };
}

/** Found by folder, since not every package exports its package.json. */
function packageFolder(searched: readonly string[], packageName: string): string {
  for (const modules of searched) {
    const folder = join(modules, packageName);
    try {
      readFileSync(join(folder, 'package.json'));
      return folder;
    } catch {
      // not in this node_modules; the next one up
    }
  }
  throw new Error(`${packageName} is not installed near ${dirname(projectRoot)}: run npm ci`);
}
