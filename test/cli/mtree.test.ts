/** `flatview mtree`, as a shell sees it: output, messages, exit status. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { registerMtree } from '../../src/cli/commands/mtree.ts';
import { type Outcome, runInProcess } from '../support/in-process-cli.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'flatview-mtree-'));
afterAll(() => rmSync(folder, { recursive: true }));

const mtree = (...args: string[]): Promise<Outcome> => runInProcess(registerMtree, ['mtree', ...args]);

/** The command in a process of its own, with a standard input. */
function mtreeReading(input: string, ...args: string[]): Outcome {
  const command = ['--import', 'tsx', main, 'mtree', ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, {
    encoding: 'utf8',
    input,
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const board = '0000000000000000-000000000000ffff (prio 0, i/o): board';
const timer = '0000000000001000-0000000000001fff (prio 0, i/o): timer';
const tree = `address-space: memory\n  ${board}\n    ${timer} [disabled]\n\n`;

test('prints the tree of a bundled machine, and as text of its own it reads that again', async () => {
  const printed = await mtree('-D', 'uno');
  expect(printed).toMatchObject({ status: 0, stderr: '' });
  expect(printed.stdout).toMatch(/^address-space: I\/O\n {2}0{16}-0{12}ffff \(prio 0, i\/o\): io\n\n/);
  const again = mtreeReading(printed.stdout, '-D', '-');
  expect(again.stdout).toBe(printed.stdout);
  expect(again.stderr).toMatch(/^-: guessed: /);
});

test('shows disabled regions and owners only when asked', async () => {
  const path = file(
    'tree.txt',
    tree.replace('timer ', 'timer ').replace('[disabled]', '[disabled] owner:{dev id=t}'),
  );
  expect((await mtree(path)).stdout).toBe(`address-space: memory\n  ${board}\n\n`);
  expect((await mtree('-D', path)).stdout).toBe(tree);
  expect((await mtree('-D', '-o', path)).stdout).toContain(`    ${timer} [disabled] owner:{dev id=t}\n`);
});

test('prints flat views, several files with a heading each', async () => {
  const path = file('flat.txt', tree.replace(' [disabled]', ''));
  const { stdout } = await mtree('-f', path, path);
  const views = `FlatView #0\n AS "memory", root: board\n Root memory region: board\n  ${timer}\n\n`;
  expect(stdout).toBe(`==> ${path} <==\n${views}\n==> ${path} <==\n${views}`);
});

test('prints one JSON document, with what was guessed', async () => {
  const tree = file('json.txt', `address-space: memory\n  ${board}\n    ${timer}\n\n`);
  const flat = file(
    'evidence.txt',
    'FlatView #0\n AS "memory", root: board\n Root memory region: board\n  No rendered FlatView\n',
  );
  const { status, stdout, stderr } = await mtree('--json', '--flat', flat, tree);
  expect([status, stderr]).toEqual([0, '']);
  expect(JSON.parse(stdout)).toEqual([
    {
      file: tree,
      guessed: [
        expect.any(String),
        expect.any(String),
        expect.stringMatching(/'timer' are empty containers/),
      ],
      tree: [
        {
          addressSpaces: ['memory'],
          root: 'board',
          regions: [expect.objectContaining({ name: 'board', children: [expect.anything()] })],
        },
      ],
      flat: [{ addressSpaces: ['memory'], root: 'board', ranges: [] }],
    },
  ]);
});

describe('dispatch trees', () => {
  test('come after the ranges of each view, over pages of the size asked for', async () => {
    const { status, stdout, stderr } = await mtree('-f', '-d', '--page-bits', '8', 'uno');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /\): sram\n {2}Dispatch\n {4}Physical sections\n {6}#0 @0{16}\.\.f{16} \(noname\) \[un/,
    );
    expect(stdout).toContain('    Nodes (9 bits per level, 7 levels) ptr=[5] skip=6\n');
    expect((await mtree('-f', '-d', 'uno')).stdout).toContain('    Nodes (9 bits per level, 6 levels)');
  });

  test('are read over as evidence, like the text without them', async () => {
    const views = await mtree('-f', '-d', 'uno');
    const text = file('uno.txt', (await mtree('-D', 'uno')).stdout);
    const again = await mtree('-f', '-d', '--flat', file('uno-f-d.txt', views.stdout), text);
    expect(again.stdout).toBe(views.stdout);
  });

  test('are in the JSON of each flat view, with -f without the trees', () => {
    const read = (...args: string[]) =>
      JSON.parse(mtreeReading('', '--json', '-d', 'uno', ...args).stdout)[0];
    const { tree, flat } = read();
    expect(tree).toHaveLength(2);
    expect(flat.map(({ dispatch }: { dispatch: { pageBits: number } }) => dispatch.pageBits)).toEqual([
      12, 12,
    ]);
    expect(Object.keys(read('-f', '-o'))).toEqual(['file', 'guessed', 'flat']);
  });
});

describe('bad input is one line and status 2', () => {
  const layout = file('layout.json', '{"format": "flatview-layout/1",\n "regions": [}');
  const endless = JSON.stringify({
    format: 'flatview-layout/1',
    regions: [
      { id: 'c', name: 'c', kind: 'container', size: 16, children: [{ id: 'a', offset: 0, priority: 0 }] },
      { id: 'a', name: 'a', kind: 'alias', size: 16, alias: { target: 'c', offset: 0 } },
    ],
    addressSpaces: [],
  });
  test.each<[string, string[], RegExp]>([
    ['an unknown machine', ['vax'], /'vax' is neither a file nor a bundled machine; bundled are: q35, /],
    ['a file that is not there', ['no/such.json'], /no\/such\.json: there is no such file/],
    ['a folder', [folder], /is a folder/],
    ['malformed JSON', [layout], /layout\.json:2:14: not JSON: expected a value, found '}'/],
    ['malformed text', [file('hello.txt', 'hello')], /hello\.txt:1:1: expected address-space:/],
    [
      'a layout that shows itself',
      [file('endless.json', endless)],
      /endless\.json: ALIAS_CYCLE: region '[ac]' would show itself/,
    ],
    [
      'dispatch trees without flat views',
      ['-d', 'q35'],
      /-d: dispatch trees belong to flat views, .*; give -f -d/,
    ],
    [
      'pages without dispatch trees',
      ['-f', '--page-bits', '12', 'q35'],
      /--page-bits: .*; give -f -d with it/,
    ],
    ...['7', '19', '0x0c', '-1', '12.5', 'many', ''].map((bits): [string, string[], RegExp] => [
      `page bits of '${bits}'`,
      ['-f', '-d', `--page-bits=${bits}`, 'q35'],
      /--page-bits <n>' .*Give a whole number from 8 to 18/,
    ]),
    ['evidence for a layout', ['--flat', layout, 'q35'], /--flat: q35 is a layout and leaves nothing out/],
    ['evidence for two files', ['--flat', layout, 'a', 'b'], /--flat belongs to one FILE/],
    ['two standard inputs', ['-', '-'], /'-' is given twice/],
    ['no file', [], /missing required argument 'file'/],
  ])('%s', async (_what, args, message) => {
    const { status, stdout, stderr } = await mtree(...args);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect([status, stdout]).toEqual([2, '']);
  });
});
