/** The soak: rounds until time, a violation or a signal, each with a line of its own, and totals at the end. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { runStress } from '../support/stress-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

vi.setConfig({ testTimeout: 110_000 }); // see stress-process.ts
const directory = temporaryDirectory();
const soakArgs = (...args: readonly string[]): readonly string[] => [
  ...['--seed', '5', '--failures', directory, '--log', join(directory, `${args.join('-')}.jsonl`)],
  ...['--scenario', 'grace-walk', ...args],
];
const roundsIn = (args: readonly string[]): { seed: number; footprint: { rssBytes: number } }[] =>
  readFileSync(join(directory, `${args.join('-')}.jsonl`), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('the soak', () => {
  test('ends when the time is up, with rounds of other seeds and the sums of all', async () => {
    const args = ['--minutes', '0.01', '--json'];
    const { status, stdout } = await runStress('soak', soakArgs(...args));
    expect(status).toBe(0);
    const { rounds, stoppedBy, scenarios, totals } = JSON.parse(stdout);
    const lines = roundsIn(args);
    expect(stoppedBy).toBe('time');
    expect(lines.map(({ seed }) => seed)).toEqual(Array.from({ length: rounds }, (_, index) => 5 + index));
    expect(lines.every(({ footprint }) => footprint.rssBytes > 0)).toBe(true);
    expect(scenarios).toEqual([{ name: 'grace-walk', runs: rounds, ...totals }]);
    expect(totals).toMatchObject({ operations: 70 * rounds, violations: 0 });
  });

  test('ends at the first violation, with status 1', async () => {
    const { status, stdout } = await runStress(
      'soak',
      soakArgs('--minutes', '1', '--mutant', 'announce-plainly', '--json'),
    );
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      rounds: 1,
      stoppedBy: 'violation',
      totals: { violations: 1 },
    });
  });

  test('ends by a signal with a table of what was done so far', async () => {
    let told = false;
    const { status, stdout } = await runStress('soak', soakArgs('--hours', '1'), (child, text) => {
      if (told || !text.includes('round 2')) return;
      told = true;
      child.kill('SIGTERM');
    });
    expect(status).toBe(0);
    expect(stdout).toMatch(/grace-walk .* faults injected|faults injected/);
    expect(stdout).toMatch(/ended by signal/);
    expect(stdout).toMatch(/after the last: {2}RSS \d+ MiB, heap \d+ MiB, \d+ handles/);
  });
});
