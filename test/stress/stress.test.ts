/** The stress command as a script uses it: real threads, each run bounded and ended by itself. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import type { Failure } from '../../stress/failure.ts';
import { type Mutant, mutants, tryBreak } from '../../stress/mutants.ts';
import { mutantOf } from '../../stress/named.ts';
import { scenarios } from '../../stress/scenarios.ts';
import { shareOf } from '../../stress/time-shares.ts';
import { refusalOf } from '../support/refusal.ts';
import { runStress, verdictsOf } from '../support/stress-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

vi.setConfig({ testTimeout: 210_000 }); // two processes one after the other, see stress-process.ts
const failures = temporaryDirectory();
const stress = (...args: readonly string[]) => runStress('run', [...args, '--failures', failures]);

describe('usage', () => {
  test('--list-mutants lists them all, each with the scenario that must convict it', async () => {
    const { status, stdout } = await stress('--list-mutants', '--json');
    expect(status).toBe(0);
    const listed = JSON.parse(stdout) as Mutant[];
    expect(listed.map(({ name }) => name)).toEqual(mutants.map(({ name }) => name));
    const names = scenarios.map(({ name }) => name);
    for (const { scenario } of listed) expect(names).toContain(scenario);
  });

  test('what cannot be done ends with status 2, one line, and no result', async () => {
    const { status, stdout, stderr } = await stress('--scenario', 'tea-time', '--json');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^stress: there is no scenario 'tea-time'; there are: use-after-reclaim, .*\n$/);
  });

  test('an unknown mutant is refused with the names of those that there are', () => {
    expect(refusalOf(() => mutantOf('x'))).toMatch(/no mutant 'x'; there are: roots-not-loaded, /);
  });
});

test('every mutant still finds what it breaks, and has a name of its own', () => {
  expect(mutants.length).toBeGreaterThanOrEqual(50);
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
  for (const mutant of mutants) tryBreak(mutant);
});

test('a budget of time is divided by the length of the scenarios, and no part of it is lost', () => {
  let leftMs = 120_000;
  for (const [index, { seconds }] of scenarios.entries()) {
    const share = shareOf(leftMs, scenarios.slice(index));
    expect(share).toBeGreaterThan(seconds / 2);
    leftMs -= 1000 * share + 800; // what threads take to come up and to end
  }
  expect(Math.abs(leftMs)).toBeLessThan(500);
});

describe('an honest run', () => {
  test('holds, and says what it did as the contract has it', async () => {
    const scenario = ['--scenario', 'use-after-reclaim', '--seconds', '0.5'];
    const run = await stress(...scenario, '--vcpus', '2', '--seed', '7', '--json');
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

  test('a shard runs its part, and what all wrote becomes one document', async () => {
    const part = ['--scenario', 'grace-walk', 'render-oracle', '--seconds', '0.3', '--vcpus', '1'];
    const shards = await Promise.all(
      ['1/2', '2/2'].map((shard) => stress(...part, '--json', '--shard', shard)),
    );
    const names = shards.map((run) => verdictsOf(run).map(({ name }) => name));
    expect(names).toEqual([['grace-walk'], ['render-oracle']]);
    const files = shards.map(({ stdout }, index) => {
      const file = join(failures, `shard-${index}`);
      writeFileSync(file, stdout);
      return file;
    });
    const merged = await runStress('run', ['--merge', ...files, '--json']);
    expect(merged.status).toBe(0);
    expect(verdictsOf(merged)).toEqual(shards.flatMap(verdictsOf));
  });
});

test('all mutants of a scenario are convicted in processes of their own, told in a table', async () => {
  const { status, stdout } = await stress('--mutant', 'all', '--scenario', 'grace-walk');
  expect(status).toBe(0);
  expect(stdout).toMatch(/announce-plainly +│ convicted, walk only +│ grace-walk +│ +\d/);
  expect(stdout).toMatch(/1 of 1 mutants convicted/);
});

test('a mutant is convicted with status 1, seed, scenario and what was seen', async () => {
  const run = await stress('--mutant', 'lock-not-taken', '--seconds', '1', '--seed', '3', '--json');
  expect(run).toMatchObject({ status: 1 });
  const [verdict] = verdictsOf(run);
  expect(verdict).toMatchObject({ name: 'device-lock', passed: false });
  expect(verdict!.detail).toMatch(/^seed 3, scenario device-lock/);
  expect(verdict!.detail).toMatch(/writes under the (shared|own) lock were counted as/);
  expect(verdict!.noticedSeconds).toBeLessThanOrEqual(verdict!.seconds);
});

test('a failure is printed and kept with steps, vCPUs and views, and its replay decides the same layouts', async () => {
  const run = await stress(
    ...['--mutant', 'disabled-shown', '--seconds', '1', '--seed', '3', '--vcpus', '1'],
  );
  expect(run.status).toBe(1);
  const name = readdirSync(failures).find((file) => file.includes('disabled-shown'))!;
  const file = join(failures, name);
  expect(run.stderr).toContain(`--replay ${file}`);
  expect(run.stderr).toMatch(/layout \d+: .*r1 at 0x80000000 of r0/);
  expect(run.stderr).toMatch(/vCPU 0 in slot 0, .* announced generation \d+ of \d+/);
  expect(run.stderr).toContain('FlatView #0');
  expect(run.stderr).toMatch(/[0-9a-f]{16}-[0-9a-f]{16} \(prio -?\d, .*(ram|rom)\): r\d+/);
  const failure = JSON.parse(readFileSync(file, 'utf8')) as Failure;
  expect(failure).toMatchObject({ seed: 3, mutant: 'disabled-shown', vcpuCount: 1, seconds: 1 });
  const again = await stress('--replay', file, '--json');
  expect(again.status).toBe(1);
  const { seed, mutant, replay } = JSON.parse(again.stdout);
  expect({ seed, mutant }).toEqual({ seed: 3, mutant: 'disabled-shown' });
  expect(replay.layouts).toMatchObject({ difference: null });
  expect(replay.layouts.same).toBeGreaterThan(0);
});
