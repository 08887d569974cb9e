/** Runs every mutant in a process of its own, one after the other, and says which were convicted. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Mutant } from './mutants.ts';
import type { Verdict } from './scenario.ts';

export interface Conviction extends Pick<Mutant, 'scenario' | 'walkOnly' | 'model'> {
  readonly mutant: string;
  readonly convicted: boolean;
  /** From the process's start to its end. */
  readonly seconds: number;
  /** From the begin of the scenario until something was noticed. */
  readonly noticedSeconds: number | null;
  /** The first thing that was seen. */
  readonly seen: string;
}

/** A mutant may hang whatever it likes. */
const TIMEOUT_MS = 120_000;
/** The stress command itself. */
const command = process.argv[1]!;

export async function* convictAll(
  all: readonly Mutant[],
  args: readonly string[],
): AsyncGenerator<Conviction> {
  const failures = mkdtempSync(join(tmpdir(), 'flatview-mutants-')); // that they fail is no news
  try {
    for (const mutant of all) yield await convict(mutant, ['--failures', failures, ...args]);
  } finally {
    rmSync(failures, { recursive: true });
  }
}

async function convict(mutant: Mutant, args: readonly string[]): Promise<Conviction> {
  const { name, scenario, walkOnly, model } = mutant;
  const sinceMs = performance.now();
  const { status, stdout } = await run([...process.execArgv, command, '--mutant', name, '--json', ...args]);
  const seconds = Math.round((performance.now() - sinceMs) / 100) / 10;
  const verdict = verdictIn(stdout);
  const convicted = status === 1 && verdict !== null && !verdict.passed;
  const seen = verdict?.detail.split('\n')[1] ?? `exit status ${status}`;
  const noticedSeconds = verdict?.noticedSeconds ?? null;
  return { mutant: name, scenario, walkOnly, model, convicted, seconds, noticedSeconds, seen };
}

function run(args: readonly string[]): Promise<{ status: number | null; stdout: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'], timeout: TIMEOUT_MS });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout }));
  });
}

function verdictIn(stdout: string): Verdict | null {
  try {
    return (JSON.parse(stdout) as { scenarios: Verdict[] }).scenarios[0] ?? null;
  } catch {
    return null;
  }
}
