/** The linearizability scenario on real threads: what holds, what it convicts, and what it keeps of that. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runScenario } from '../../stress/run-scenario.ts';
import type { Verdict } from '../../stress/scenario.ts';
import { linearizability } from '../../stress/scenarios/linearizability.ts';

const projectRoot = fileURLToPath(new URL('../../', import.meta.url));
const SEED = 77;

const run = async (mutant: string | null, seconds: number): Promise<Verdict> =>
  (await runScenario(linearizability, { seconds, vcpus: 2, seed: SEED, mutant })).verdict;

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const histories = (...args: string[]): Promise<Ended> =>
  new Promise((resolve) => {
    const command = ['--import', 'tsx', 'stress/histories.ts', ...args];
    const child = execFile(process.execPath, command, { cwd: projectRoot }, (_error, stdout, stderr) => {
      resolve({ status: child.exitCode, stdout, stderr });
    });
  });

test('layouts explain what the vCPUs of an honest run see', async () => {
  const verdict = await run(null, 0.2);
  expect(verdict).toMatchObject({ passed: true, violations: 0 });
  expect(verdict.operations).toBeGreaterThan(1000);
  expect(verdict.publications).toBeGreaterThan(1);
});

test('a TLB that keeps what a publication changed is convicted, by the history that was kept as well', async () => {
  const { passed, detail } = await run('deltas-undropped', 20);
  expect(passed).toBe(false);
  expect(detail).toMatch(
    /vCPU \d, event \d+: (read|write) of \d at 0x[\da-f]+ of space \d .*possible were layouts/,
  );
  const file = /kept in (\S+): /.exec(detail)![1]!;
  try {
    const { status, stdout } = await histories(file);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^VIOLATED {2}vCPU \d, event \d+: .*\n\d+ accesses explained/);
  } finally {
    rmSync(file);
  }
});

test('the command that checks kept histories accepts what layouts explain, and says what it cannot check', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'flatview-histories-'));
  try {
    const explained = join(folder, 'explained.json');
    const first = { regions: [], roots: [] };
    writeFileSync(explained, JSON.stringify({ version: 0, first, changes: [], vcpus: [[]] }));
    const broken = join(folder, 'broken.json');
    writeFileSync(broken, '{');
    const [good, bad, none] = await Promise.all([histories(explained), histories(broken), histories()]);
    expect(good).toMatchObject({
      status: 0,
      stdout: '0 accesses explained, 0 of them by one layout alone\n',
    });
    expect(bad).toMatchObject({ status: 2, stderr: expect.stringContaining('cannot be checked') });
    expect(none).toMatchObject({ status: 2, stderr: 'histories: give one file of a history; see --help\n' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
