/** Command lines and files that took all memory, or wrote to the terminal; found by `npm run fuzz`. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { registerMtree } from '../../../src/cli/commands/mtree.ts';
import { runInProcess } from '../../support/in-process-cli.ts';

const main = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));

describe('a text without end was read until the memory was full', () => {
  test.runIf(existsSync('/dev/zero'))('as a file', async () => {
    const { status, stderr } = await runInProcess(registerMtree, ['mtree', '/dev/zero']);
    expect([status, stderr]).toEqual([2, expect.stringMatching(/zero: has more than 64 MiB; give a layout/)]);
  });

  test('as standard input', () => {
    const command = ['--import', 'tsx', main, 'mtree', '-'];
    const { status, stderr } = spawnSync(process.execPath, command, {
      input: Buffer.alloc(65 << 20, 'x'),
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([2, expect.stringMatching(/standard input: has more than 64 MiB/)]);
  });
});

test('what was quoted in a refusal went to the terminal as it was, with its escape sequences', async () => {
  const { stderr } = await runInProcess(registerMtree, ['\x1b[2J\u202e\0']);
  expect(stderr).toBe("flatview: unknown command '\\u001b[2J\\u202e\\u0000'; see flatview --help\n");
});

test('help of an unknown command was pages without a complaint', async () => {
  const { status, stderr } = await runInProcess(registerMtree, ['help', 'nosuch']);
  expect([status, stderr]).toEqual([2, "flatview: unknown command 'help'; see flatview --help\n"]);
});
