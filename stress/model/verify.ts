/** Asks Spin one question: makes the verifier of a model, compiles it, runs it, and reads what it found. */
import { type ExecFileException, execFile } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Check } from './models.ts';
import { condensedTrail, parsePan } from './pan-output.ts';

export interface Outcome extends Check {
  /** incomplete: neither, for not every state was visited; failed: the tools did not get that far. */
  readonly verdict: 'held' | 'refuted' | 'incomplete' | 'failed';
  /** True if that is as it must be: a model held in a complete search, a variant was refuted by the property named. */
  readonly passed: boolean;
  readonly states: number;
  readonly depth: number;
  /** Of all tools together. */
  readonly seconds: number;
  /** What was found, or why nothing was. */
  readonly detail: string;
  /** The last steps to what was found; only where it should not have been. */
  readonly trail: readonly string[];
}

export interface Tools {
  readonly spin: string;
  readonly cc: string;
}

/** A directory with a tool that is not there says which, by its name. */
export class ToolMissing extends Error {}

/** What a violation of each property is called by the verifier. */
const CALLED = { safety: /^assertion violated|^invalid end state/, progress: /^acceptance cycle/ };
/**
 * Progress is checked without partial-order reduction: with claims Spin's has been shown to overlook violations
 * (docs/decisions/0024-models-checked-by-spin.md). NFAIR=3 is room for the threads of all models.
 */
const COMPILED = { safety: ['-DSAFETY', '-DNOCLAIM'], progress: ['-DNOREDUCE', '-DNFAIR=3'] };
const RUN = { safety: [], progress: ['-a', '-f'] };
const MEGABYTES_MAX = 1024;
const DEPTH_MAX = 400_000;
const STEP_TIMEOUT_MS = 300_000;
/** Lines of a trail that are printed. */
const TRAIL_LINES = 60;

interface Ran {
  readonly ok: boolean;
  readonly text: string;
}

/** @param directory one that is not there yet, for files that nobody needs afterwards */
export async function verify(check: Check, { spin, cc }: Tools, directory: string): Promise<Outcome> {
  await mkdir(directory);
  const { property } = check;
  const model = fileURLToPath(new URL(`${check.model}.pml`, import.meta.url));
  const defines = check.defines.map((define) => `-D${define}`);
  const sinceMs = performance.now();
  const run = (command: string, args: readonly string[]): Promise<Ran> => runIn(directory, command, args);
  const seconds = (): number => Math.round((performance.now() - sinceMs) / 10) / 100;
  const nothing = { passed: false, states: 0, depth: 0, trail: [] };

  const generated = await run(spin, ['-a', ...defines, model]);
  if (!generated.ok || /\bError:/.test(generated.text))
    return {
      ...check,
      ...nothing,
      verdict: 'failed',
      seconds: seconds(),
      detail: lastLineOf(generated.text),
    };
  // What is wrong is found soon; compiling for speed would take longer.
  const optimised = check.variant === null ? '-O1' : '-O0';
  const flags = [optimised, '-w', `-DMEMLIM=${MEGABYTES_MAX}`, ...COMPILED[property], '-o', 'pan', 'pan.c'];
  const compiled = await run(cc, flags);
  if (!compiled.ok)
    return { ...check, ...nothing, verdict: 'failed', seconds: seconds(), detail: lastLineOf(compiled.text) };
  const searched = await run(join(directory, 'pan'), [...RUN[property], `-m${DEPTH_MAX}`, '-w20']);
  const { violation, truncated, states, depth } = parsePan(searched.text);
  const verdict = violation !== null ? 'refuted' : truncated !== null ? 'incomplete' : 'held';
  const passed = check.variant === null ? verdict === 'held' : CALLED[property].test(violation ?? '');
  const trail =
    violation === null || passed ? [] : await lastSteps(run, spin, [...defines, model], directory);
  const detail = violation ?? truncated ?? 'every state was visited';
  return { ...check, verdict, passed, states, depth, seconds: seconds(), detail, trail };
}

/** The version of Spin that would be asked. @throws ToolMissing */
export async function findTools(tools: Tools): Promise<string> {
  const missing: string[] = [];
  const spin = await runIn('.', tools.spin, ['-V']);
  if (!spin.ok) missing.push('spin');
  if (!(await runIn('.', tools.cc, ['--version'])).ok) missing.push('cc');
  if (missing.length > 0) throw new ToolMissing(missing.join(' and '));
  return /Version (\S+)/.exec(spin.text)?.[1] ?? 'unknown';
}

async function lastSteps(
  run: (command: string, args: readonly string[]) => Promise<Ran>,
  spin: string,
  args: readonly string[],
  directory: string,
): Promise<readonly string[]> {
  const file = (await readdir(directory)).find((name) => name.endsWith('.trail'));
  if (file === undefined) return [];
  const { text } = await run(spin, ['-k', file, '-t', '-p', ...args]);
  return condensedTrail(text).slice(-TRAIL_LINES);
}

function runIn(cwd: string, command: string, args: readonly string[]): Promise<Ran> {
  const options = { cwd, timeout: STEP_TIMEOUT_MS, maxBuffer: 2 ** 26 };
  return new Promise((resolve) => {
    execFile(command, args, options, (error: ExecFileException | null, stdout, stderr) => {
      resolve({ ok: error === null, text: `${stdout}${stderr}` || String(error?.message ?? '') });
    });
  });
}

const lastLineOf = (text: string): string => text.trimEnd().split('\n').at(-1) ?? '';
