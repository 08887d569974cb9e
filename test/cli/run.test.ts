/** `flatview run` as a shell sees it. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { registerRun } from '../../src/cli/commands/run.ts';
import { progressLine, reportText, short } from '../../src/cli/run-report.ts';
import type { RunReport } from '../../src/verify/run-phases.ts';
import { flatview, runScript, startFlatview } from '../support/flatview-process.ts';
import { runInProcess } from '../support/in-process-cli.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'flatview-run-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const written = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};

describe('flatview run', () => {
  test('prints one document with the fields of the contract', () => {
    const { status, stdout } = flatview('run', '--seconds', '0.5', '--vcpus', '2', '--seed', '5', '--json');
    expect(status).toBe(0);
    const report = JSON.parse(stdout) as RunReport;
    expect(report).toMatchObject({ machine: 'q35', vcpus: 2, seconds: 0.5, seed: 5, node: process.version });
    expect(report).toMatchObject({ verification: { violations: 0, examples: [] }, interrupted: false });
    const { quiet, churn, commit, gracePeriod, arena, verification } = report;
    for (const rates of [quiet, churn]) {
      expect(rates.perVcpu).toHaveLength(2);
      expect(rates.perVcpu[0]! + rates.perVcpu[1]!).toBe(rates.accessesPerSecond);
    }
    expect(churn.publications).toBeGreaterThan(0);
    expect(churn.publicationsPerSecond).toBeGreaterThan(0);
    expect(churn.ratioToQuiet).toBeGreaterThan(0);
    for (const { p50Us, p99Us, maxUs } of [commit, gracePeriod]) {
      expect(p50Us).toBeGreaterThan(0);
      expect(p99Us).toBeGreaterThanOrEqual(p50Us);
      expect(maxUs).toBeGreaterThanOrEqual(p99Us);
    }
    expect(arena.liveBytes).toBeGreaterThan(0);
    expect(arena.highWaterBytes).toBeGreaterThanOrEqual(arena.liveBytes);
    expect(arena.retiredBytes).toBeGreaterThanOrEqual(0);
    expect(verification.checked).toBeGreaterThan(10_000);
    expect(report.cpu).not.toBe('');
  });

  test('tells a person how it went, with progress in plain lines on standard error', () => {
    const { status, stdout, stderr } = flatview(
      'run',
      '--machine',
      'riscv64-virt',
      '--seconds',
      '0.5',
      '--churn',
      '100',
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/^riscv64-virt: \d+ regions, 4 address spaces, 128\.1 MiB of RAM\n/);
    expect(stdout).toMatch(/while layouts change/);
    expect(stdout).toMatch(/accesses checked, 0 violations\nEvery access got the answer that was due, while/);
    expect(stderr).toMatch(/^quiet {2}[\d.]+ \w ?accesses\/s \(.*\), 0 violations/);
    for (const control of ['\r', '\u001b']) expect(stdout + stderr).not.toContain(control);
  });

  test('publishes nothing with --churn off', () => {
    const { status, stdout } = flatview(
      'run',
      '--machine',
      'avr-uno',
      '--vcpus',
      '1',
      '--seconds',
      '0.2',
      '--churn',
      'off',
      '--json',
    );
    expect(status).toBe(0);
    const zero = { p50Us: 0, p99Us: 0, maxUs: 0 };
    expect(JSON.parse(stdout)).toMatchObject({
      churn: { rate: 'off', publications: 0, accessesPerSecond: 0, perVcpu: [0] },
      commit: zero,
      gracePeriod: zero,
    });
  });

  test('ends with 1 and examples if an answer was not due', () => {
    const args = ['run', '--machine', 'riscv64-virt', '--seconds', '0.2', '--churn', 'off'];
    const { status, stdout } = runScript('test/cli/sabotaged-program.ts', args);
    expect(status).toBe(1);
    expect(stdout).toMatch(/ [1-9][\d,]* violations\n/);
    expect(stdout).toMatch(
      /\n {2}vCPU \d: read of \d bytes at .* 0x[\da-f]+, layout 0: expected .*wrong offset: '/,
    );
    expect(stdout).toMatch(/FAILED: the machine gave answers that were not due/);
  });

  test('at Ctrl-C ends its workers and prints what it has', async () => {
    const child = startFlatview('run', '--seconds', '600', '--json');
    let stdout = '';
    child.stdout.on('data', (text) => {
      stdout += text;
    });
    await once(child.stderr, 'data'); // it measures
    child.kill('SIGINT');
    const [, signal] = await once(child, 'close');
    expect(signal).toBe('SIGINT');
    expect(JSON.parse(stdout)).toMatchObject({ interrupted: true, verification: { violations: 0 } });
  });

  test.each([
    [['--vcpus', '0'], /--vcpus .* '0' is invalid. Give a whole number from 1 to 64/],
    [['--vcpus', '-1'], /from 1 to 64/],
    [['--vcpus', '1e9'], /from 1 to 64/],
    [['--vcpus', 'abc'], /from 1 to 64/],
    [['--vcpus', '65'], /from 1 to 64/],
    [['--seconds', '0'], /Give a number from 0.1 to 3600/],
    [['--seconds', '1e9'], /Give a number from 0.1 to 3600/],
    [['--churn', 'often'], /Give max, off, or a number from/],
    [['--churn', '-1'], /Give max, off, or a number from/],
    [['--seed', '1.5'], /Give a whole number/],
    [['--machine', 'q36'], /'q36' is neither a file nor a bundled machine; bundled are: q35, /],
    [['--machine', './nosuch.json'], /nosuch.json: there is no such file/],
    [['--machine', '.'], /is a folder/],
    [['extra'], /too many arguments/],
  ])('with %j says in one line what is wrong', async (args, complaint) => {
    const { status, stdout, stderr } = await runInProcess(registerRun, ['run', ...args]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(complaint);
    expect(stderr.trimEnd()).not.toContain('\n');
  });

  test.each([
    ['not JSON', '{ "format": \n  7,, }', /:2:5: not JSON/],
    ['another format', '{ "format": "flatview-sequence/1" }', /format: must be one of flatview-layout\/1/],
    [
      'no address space',
      JSON.stringify({ format: 'flatview-layout/1', regions: [], addressSpaces: [] }),
      /addressSpaces: has 0/,
    ],
  ])('with a file of %s says where', async (_name, text, complaint) => {
    const file = written('bad.json', text);
    const { status, stdout, stderr } = await runInProcess(registerRun, ['run', '--machine', file]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(complaint);
    expect(stderr).toContain(file);
    expect(stderr.trimEnd()).not.toContain('\n');
  });
});

describe('the report', () => {
  test.each([
    [950, '950'],
    [12_345, '12.3 k'],
    [31_400_000, '31.4 M'],
    [1_234_000_000, '1.23 G'],
  ])('writes %d as %s', (count, text) => expect(short(count)).toBe(text));

  test('shows eight vCPUs and says that there are more', () => {
    const perVcpu = new Array<number>(9).fill(1_000_000);
    const line = progressLine({
      phase: 'churn',
      perVcpu,
      secondsLeft: 3,
      publicationsPerSecond: 4000,
      violations: 1234,
    });
    expect(line).toMatch(/^churn {2}9\.0 M accesses\/s \((?:1\.0 M \+ ){7}1\.0 M \+ …\), 4000 layouts\/s/);
    expect(line).toMatch(/1,234 violations, 3 s left$/);
  });

  test('is readable for a machine in which nothing changes', () => {
    const none = { p50Us: 0, p99Us: 0, maxUs: 0 };
    const rates = { accessesPerSecond: 5, perVcpu: [5] };
    const text = reportText({
      machine: 'm',
      vcpus: 1,
      seconds: 1,
      seed: 1,
      node: 'v20',
      cpu: 'cpu',
      interrupted: true,
      layout: { name: 'm', regions: 1, addressSpaces: 1, ramBytes: 2 ** 31, states: 1, changes: [] },
      quiet: rates,
      churn: {
        ...rates,
        rate: 'max',
        publications: 0,
        publicationsPerSecond: 0,
        ratioToQuiet: 1,
        backPressure: 2,
        stalls: 0,
      },
      commit: none,
      gracePeriod: none,
      arena: { liveBytes: 64, retiredBytes: 2048, highWaterBytes: 2 ** 21 },
      verification: { checked: 5, violations: 0, examples: [] },
    });
    expect(text).toMatch(/2 GiB of RAM[\s\S]*cut short/);
    expect(text).toMatch(/2 waits for readers[\s\S]*none: nothing in this machine can change/);
    expect(text).toMatch(/64 bytes in use, 2\.0 KiB waiting for readers, 2 MiB at most/);
  });
});

test('the default machine is bundled', () => {
  const file = new URL('../../machines/booted-q35-default.json', import.meta.url);
  expect(JSON.parse(readFileSync(file, 'utf8')).format).toBe('flatview-layout/1');
});
