/** `flatview replay` as a shell sees it. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { registerReplay } from '../../src/cli/commands/replay.ts';
import { flatview, startFlatview } from '../support/flatview-process.ts';
import { runInProcess } from '../support/in-process-cli.ts';

const bundled = (name: string): string =>
  readFileSync(new URL(`../../machines/sequences/${name}.json`, import.meta.url), 'utf8');

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'flatview-replay-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const written = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};

describe('flatview replay', () => {
  test('prints one document, one entry a file, with the fields of the contract', () => {
    const { status, stdout, stderr } = flatview(
      'replay',
      '--json',
      'pc-pam',
      'machines/sequences/pc-smram.json',
    );
    expect(status).toBe(0);
    expect(stderr).toMatch(/\npc-pam: \d+ steps, \d+ accesses checked, 0 violations\n/);
    const reports = JSON.parse(stdout);
    expect(reports).toHaveLength(2);
    for (const [index, name] of ['pc-pam', 'pc-smram'].entries()) {
      const { steps } = JSON.parse(bundled(name));
      expect(reports[index]).toMatchObject({ violations: 0, examples: [] });
      expect(reports[index].steps).toHaveLength(steps.length);
      for (const [at, step] of reports[index].steps.entries()) {
        expect(step.action).toBe(steps[at].action);
        expect(step.commitUs).toBeGreaterThan(0);
        expect(step.flat).toHaveLength(steps[at].flat.length);
        for (const { addressSpace, start, last } of step.changed) {
          expect(addressSpace).not.toMatch(/^space-/);
          expect([start, last].join()).toMatch(/^0x[\da-f]+,0x[\da-f]+$/);
        }
      }
    }
    expect(reports[1].file).toBe('machines/sequences/pc-smram.json');
  });

  test('prints a line a step for a person', () => {
    const { status, stdout } = flatview('replay', '--vcpus', '1', 'q35-ecam-lpc');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^q35-ecam-lpc:\n {2}step {2}mutations/);
    expect(stdout).toMatch(/\n +0 +\d+ +3 +[\d.]+ {2}\S.*: .*0x0-/);
    expect(stdout).toMatch(/29 steps, \d+ accesses checked, 0 violations\n$/);
  });

  test('ends with 1 and names the step where our flat view is not that of the file', () => {
    const sequence = JSON.parse(bundled('pc-pam'));
    sequence.steps[3].flat[0].ranges[0].last = '0x5';
    const file = written('wrong-flat.json', JSON.stringify(sequence));
    const { status, stdout } = flatview('replay', file);
    expect(status).toBe(1);
    expect(stdout).toContain(`flat view at step 3 (${sequence.steps[3].action}): expected 0x0-0x5`);
    expect(stdout).toContain(', 1 violations');
  });

  test('at Ctrl-C ends its workers and prints the steps that were done', async () => {
    const sequence = JSON.parse(bundled('pc-pam'));
    const idle = Array.from({ length: 20_000 }, (_, index) => ({ action: `wait ${index}` }));
    const file = written('long.json', JSON.stringify({ ...sequence, steps: [sequence.steps[0], ...idle] }));
    const child = startFlatview('replay', file);
    let stdout = '';
    child.stdout.on('data', (text) => {
      stdout += text;
    });
    await once(child.stderr, 'data'); // it has begun
    setTimeout(() => child.kill('SIGINT'), 1500);
    const [, signal] = await once(child, 'close');
    expect(signal).toBe('SIGINT');
    expect(stdout).toMatch(/\d+ steps, \d+ accesses checked, 0 violations\n$/);
  });

  test.each([
    [[], /missing required argument 'file'/],
    [['nosuch'], /'nosuch' is neither a file nor a bundled sequence; bundled are: /],
    [['./nosuch.json'], /nosuch.json: there is no such file/],
    [['--vcpus', '0', 'pc-pam'], /from 1 to 64/],
    [['machines/pc-pflash.json'], /format: must be one of flatview-sequence\/1/],
  ])('with %j says in one line what is wrong', async (args, complaint) => {
    const { status, stdout, stderr } = await runInProcess(registerReplay, ['replay', ...args]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(complaint);
    expect(stderr.trimEnd()).not.toContain('\n');
  });

  test('with one bad file among good ones does nothing but complain', async () => {
    const file = written('bad.json', '{ "format": "flatview-sequence/1",\n "steps": [ }');
    const { status, stdout, stderr } = await runInProcess(registerReplay, ['replay', 'pc-pam', file]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/bad\.json:2:13: not JSON/);
  });
});
