/**
 * What is kept of a run that violated its property: how to run it again, and what was there to see. One JSON file
 * a failure; `--replay FILE` takes it. Files may come from anywhere, so what is read is checked first.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Verdict } from './scenario.ts';
import type { Step } from './step-log.ts';
import { UsageError } from './usage.ts';

/** One vCPU as it was when the first violation was noticed. */
export interface VcpuEvidence {
  readonly number: number;
  /** Its reader slot. */
  readonly id: number;
  readonly phase: string;
  /** What its last checkpoint announced, and what is current: offline is 0. */
  readonly announced: number;
  readonly generation: number;
  readonly checked: number;
  readonly violations: number;
  /** The last things that its program noted, the newest last; what they mean is the program's own. */
  readonly notes: readonly { readonly step: number; readonly value: number; readonly checked: number }[];
}

export interface Evidence {
  readonly vcpus: readonly VcpuEvidence[];
  /** What readers found, as QEMU's `info mtree -f` prints it, line by line. */
  readonly views: readonly string[];
}

export interface Failure extends Evidence {
  readonly format: typeof FORMAT;
  readonly scenario: string;
  readonly seed: number;
  readonly vcpuCount: number;
  readonly seconds: number;
  readonly mutant: string | null;
  readonly verdict: Verdict;
  /** How many there were; `steps` are the first and the last of them. */
  readonly stepCount: number;
  readonly steps: readonly Step[];
}

export const FORMAT = 'flatview stress failure, version 1';
const BYTES_MAX = 16 * 1024 * 1024;

/** @returns the file's path */
export function writeFailure(directory: string, failure: Failure): string {
  const { scenario, seed, mutant } = failure;
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${scenario}-seed-${seed}${mutant === null ? '' : `-${mutant}`}.json`);
  writeFileSync(path, `${JSON.stringify(failure, null, 2)}\n`);
  return path;
}

/** @throws UsageError if the file cannot be read, or is no failure that this version can replay */
export function readFailure(path: string): Failure {
  const refuse = (what: string): never => {
    throw new UsageError(`--replay ${path}: ${what}`);
  };
  let value: unknown;
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length > BYTES_MAX) refuse(`longer than ${BYTES_MAX} bytes; give a file that --failures wrote`);
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    refuse((error as Error).message.replace(/\s*\n\s*/g, ' '));
  }
  if (!isRecord(value) || value['format'] !== FORMAT)
    refuse(`not a '${FORMAT}'; give a file that --failures wrote`);
  const wrong = wrongField(value as Record<string, unknown>);
  if (wrong !== null) refuse(`its '${wrong}' is missing or malformed`);
  return value as Failure;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isWhole = (value: unknown, min: number, max: number): boolean =>
  Number.isInteger(value) && (value as number) >= min && (value as number) <= max;

/** The first field that a replay needs and cannot use; bounds are those of the command's options. */
function wrongField(value: Record<string, unknown>): string | null {
  const { scenario, seed, vcpuCount, seconds, mutant, verdict, steps } = value;
  if (typeof scenario !== 'string') return 'scenario';
  if (!isWhole(seed, 0, 2 ** 31 - 1)) return 'seed';
  if (!isWhole(vcpuCount, 1, 32)) return 'vcpuCount';
  if (typeof seconds !== 'number' || !(seconds >= 0.1 && seconds <= 86_400)) return 'seconds';
  if (mutant !== null && typeof mutant !== 'string') return 'mutant';
  if (!isRecord(verdict) || !isWhole(verdict['violations'], 0, Number.MAX_SAFE_INTEGER)) return 'verdict';
  return Array.isArray(steps) && steps.every(isStep) ? null : 'steps';
}

function isStep(step: unknown): boolean {
  if (!isRecord(step) || typeof step['text'] !== 'string') return false;
  const { layout } = step;
  if (layout === null) return true;
  return isRecord(layout) && Number.isInteger(layout['number']) && Number.isInteger(layout['digest']);
}
