/** `flatview ramblock`, as a shell sees it: output, messages, exit status. */
import { describe, expect, test } from 'vitest';
import { registerRamblock } from '../../src/cli/commands/ramblock.ts';
import { type Outcome, runInProcess } from '../support/in-process-cli.ts';

const ramblock = (...args: string[]): Promise<Outcome> =>
  runInProcess(registerRamblock, ['ramblock', ...args]);

const heading =
  '              Block Name    PSize              Offset               Used              Total\n';

test('prints the blocks of each file, several with a heading each', async () => {
  const unoBlocks = [
    '                   flash    4 KiB  0x0000000000000000 0x0000000000008000 0x0000000000008000\n',
    '                    sram    4 KiB  0x0000000000040000 0x0000000000001000 0x0000000000001000\n',
  ].join('');
  expect(await ramblock('uno')).toEqual({ status: 0, stdout: heading + unoBlocks, stderr: '' });
  const both = await ramblock('uno', 'q35');
  expect(both.stdout).toContain(`==> uno <==\n${heading}${unoBlocks}\n==> q35 <==\n${heading}`);
});

test('prints one JSON document, addresses and lengths in hex', async () => {
  const { status, stdout, stderr } = await ramblock('--json', 'uno');
  expect([status, stderr]).toEqual([0, '']);
  expect(JSON.parse(stdout)).toEqual([
    {
      file: 'uno',
      guessed: [],
      blocks: [
        {
          ...{ id: 'flash', pageSizeBytes: 4096, offset: '0x0' },
          ...{ usedBytes: '0x8000', totalBytes: '0x8000', readonly: true },
        },
        expect.objectContaining({ id: 'sram', offset: '0x40000', readonly: false }),
      ],
    },
  ]);
});

describe('bad input is one line and status 2', () => {
  test.each<[string, string[], RegExp]>([
    ['no file', [], /missing required argument 'file'/],
    ['an unknown machine', ['vax'], /'vax' is neither a file nor a bundled machine/],
    ['two standard inputs', ['-', '-'], /'-' is given twice/],
    ['an option of mtree', ['-f', 'q35'], /unknown option '-f'/],
  ])('%s', async (_what, args, message) => {
    const { status, stdout, stderr } = await ramblock(...args);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect([status, stdout]).toEqual([2, '']);
  });
});
