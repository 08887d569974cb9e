/** The benchmark's command: its documents, its tables, and how it refuses. No timing. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { runBench } from '../../bench/command.ts';
import { type Outcome, outcomeOf } from '../support/in-process-cli.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'flatview-bench-'));
afterAll(() => rmSync(folder, { recursive: true }));

const bench = (...args: string[]): Promise<Outcome> => outcomeOf(() => runBench(args));

/** As `npm run bench` starts it; a process prints one JSON document. */
const benchProcess = (...args: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', 'bench/run.ts', ...args], { cwd: root, encoding: 'utf8' });

const LIMIT = 'limit/typed-array-sequential';
const EARLIER_ROW = {
  name: LIMIT,
  unit: 'ns/op',
  median: 1e6,
  p99: 2e6,
  samples: 9,
  node: 'v20.0.0',
  cpu: 'older',
};

function fileOf(name: string, content: unknown): string {
  const file = join(folder, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

describe('prints', () => {
  test('one JSON document with the fields of the contract, and the comparison as one more', () => {
    const gone = { ...EARLIER_ROW, name: `${LIMIT}-gone` };
    const elsewhere = { ...EARLIER_ROW, name: 'access/gone' };
    const file = fileOf('earlier.json', [EARLIER_ROW, gone, elsewhere]);
    const { status, stdout, stderr } = benchProcess('--only', LIMIT, '--json', '--compare', file);
    expect(status).toBe(0);
    const [row] = JSON.parse(stdout) as Record<string, unknown>[];
    expect(row).toMatchObject({ name: LIMIT, unit: 'ns/op', threads: 1, node: process.version });
    for (const field of ['best', 'p25', 'median', 'p75', 'p99', 'samples'])
      expect(row?.[field]).toBeGreaterThan(0);
    expect(row?.['cpu']).toEqual(expect.any(String));
    expect(row?.['compared']).toMatchObject({ verdict: 'faster', bestRatio: null, medianBefore: 1e6 });
    expect(stderr).toContain(`only in ${file}: ${gone.name}`);
    expect(stderr).not.toContain(elsewhere.name);
  });

  test('a table with machine, version, best and median otherwise', async () => {
    const { status, stdout } = await bench('--only', 'lookup/radix-10000');
    expect(status).toBe(0);
    for (const word of [process.version, 'best', 'median', 'threads', 'lookup/radix-10000'])
      expect(stdout).toContain(word);
    expect(stdout).not.toContain('before');
  });

  test('a second table where it compares', async () => {
    const { status, stdout } = await bench('--only', LIMIT, '--compare', fileOf('table.json', [EARLIER_ROW]));
    expect(status).toBe(0);
    for (const word of ['older, Node.js v20.0.0', 'ratio', 'spread', '<<']) expect(stdout).toContain(word);
  });

  test('what the maps weigh, as a table and as a document', async () => {
    expect((await bench('--map-size', 'uno')).stdout).toContain("'uno'");
    const { status, stdout } = await bench('--map-size', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ machine: 'q35', mapBytes: expect.any(Number) });
  });

  test('in its help every option and every row that only its name chooses', async () => {
    const { status, stdout } = await bench('--help');
    expect(status).toBe(0);
    for (const word of ['--only', '--json', '--compare', '--map-size', '--plots', 'churn/million', 'spread'])
      expect(stdout).toContain(word);
  });
});

describe('refuses with one line and status 2', () => {
  test.each([
    ['an unknown prefix', ['--only', 'nothing/'], /'nothing\/'/],
    ['an unknown option', ['--frist'], /--frist/],
    ['plots as JSON', ['--plots', '--json'], /--plots.*--json/],
    ['an unknown plot', ['--plots', '--only', 'pie'], /'pie'.*cost-by-regions\.svg/],
    ['a folder for plots that is a file', ['--plots', 'package.json'], /package\.json.*give a folder/],
    ['a machine that is not bundled', ['--map-size', 'q36'], /q36.*q35/],
    [
      'an earlier run that is not there',
      ['--compare', 'nowhere.json'],
      /nowhere\.json.*ENOENT.*give the document/,
    ],
    ['one that is no JSON', ['--compare', 'README.md'], /README\.md:1:1.*not JSON/],
    ['one that is no array', ['--compare', 'package.json'], /package\.json: is no array.*give the document/],
  ])('%s', async (_what, args, message) => {
    const { status, stdout, stderr } = await bench(...args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
