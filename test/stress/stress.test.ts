/** The stress command as a script uses it: real threads, each run bounded and ended by itself. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type Mutant, mutants, tryBreak } from '../../stress/mutants.ts';
import type { Verdict } from '../../stress/scenario.ts';
import { scenarios } from '../../stress/scenarios.ts';

const projectRoot = fileURLToPath(new URL('../../', import.meta.url));

interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command to its end: that it ends by itself says that it left no thread behind. */
function stress(...args: string[]): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'stress/run.ts', ...args], {
      cwd: projectRoot,
      timeout: 50_000,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

const verdictsOf = ({ stdout }: Run): readonly Verdict[] =>
  (JSON.parse(stdout) as { scenarios: Verdict[] }).scenarios;

describe('usage', () => {
  test('--list-mutants lists them all, each with the scenario that must convict it', async () => {
    const { status, stdout } = await stress('--list-mutants', '--json');
    expect(status).toBe(0);
    const listed = JSON.parse(stdout) as Mutant[];
    expect(listed.map(({ name }) => name)).toEqual(mutants.map(({ name }) => name));
    const names = scenarios.map(({ name }) => name);
    for (const { scenario } of listed) expect(names).toContain(scenario);
  });

  test.each([
    ['an unknown option', ['--fast'], /--fast/],
    [
      'an unknown scenario',
      ['--scenario', 'tea-time'],
      /no scenario 'tea-time'; there are: use-after-reclaim/,
    ],
    ['an unknown mutant', ['--mutant', 'x'], /no mutant 'x'; there are: /],
    ['a word that is no option', ['lost-wakeup'], /give --scenario lost-wakeup/],
    ['no vCPU', ['--vcpus', '0'], /--vcpus 0: give a whole number from 1 to/],
    ['a time that is none', ['--seconds', 'soon'], /--seconds soon: give a number from/],
    ['a negative seed', ['--seed=-1'], /--seed -1: give a whole number/],
    ['a shard past the last', ['--shard', '3/2'], /--shard 3\/2: give i\/n/],
  ])('%s ends with status 2 and one line', async (_what, args, line) => {
    const { status, stdout, stderr } = await stress(...args, '--json');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(line);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

test('every mutant still finds what it breaks', () => {
  expect(mutants.length).toBeGreaterThanOrEqual(20);
  for (const mutant of mutants) tryBreak(mutant);
});

describe('an honest run', () => {
  test('holds, and says what it did as the contract has it', async () => {
    const run = await stress(
      '--scenario',
      'use-after-reclaim',
      '--seconds',
      '0.5',
      '--vcpus',
      '2',
      '--seed',
      '7',
      '--json',
    );
    expect(run).toMatchObject({ status: 0 });
    expect(JSON.parse(run.stdout)).toMatchObject({ seed: 7, vcpus: 2, mutant: null });
    const [verdict, ...others] = verdictsOf(run);
    expect(others).toEqual([]);
    expect(verdict).toMatchObject({ name: 'use-after-reclaim', passed: true, violations: 0 });
    expect(verdict!.operations).toBeGreaterThan(0);
    expect(verdict!.publications).toBeGreaterThan(0);
    expect(verdict!.detail).toContain('views reclaimed under 2 readers');
  });

  test('of failing commits, and of devices that are removed under access, holds', async () => {
    const run = await stress(
      ...['--scenario', 'failing-commits', 'device-removal', '--seconds', '0.5', '--vcpus', '2', '--json'],
    );
    expect(run).toMatchObject({ status: 0 });
    for (const { name, violations, operations } of verdictsOf(run)) {
      expect({ name, violations }).toEqual({ name, violations: 0 });
      expect(operations).toBeGreaterThan(0);
    }
  });

  test('a shard runs its part, and scenarios are named one after the other', async () => {
    const part = ['--scenario', 'grace-walk', 'use-after-reclaim', '--shard', '1/2', '--json'];
    expect(verdictsOf(await stress(...part)).map(({ name }) => name)).toEqual(['grace-walk']);
  });
});

describe('a mutant is convicted with status 1, seed, scenario and what was seen', () => {
  test.each([
    ['tlb-kept', 'use-after-reclaim', /expected (0x|a hole)/],
    ['lock-not-taken', 'device-lock', /writes under the shared lock were counted as/],
    ['announce-plainly', 'grace-walk', /orders are unsafe, the first: .*store buffer/],
  ])('%s by %s', async (mutant, scenario, seen) => {
    const run = await stress('--mutant', mutant, '--seconds', '1', '--seed', '3', '--json');
    expect(run).toMatchObject({ status: 1 });
    const [verdict] = verdictsOf(run);
    expect(verdict).toMatchObject({ name: scenario, passed: false });
    expect(verdict!.detail).toMatch(new RegExp(`^seed 3, scenario ${scenario}`));
    expect(verdict!.detail).toMatch(seen);
  });
});
