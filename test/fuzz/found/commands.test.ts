/** Command lines and files that took all memory, or wrote to the terminal; found by `npm run fuzz`. */
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BoundedText, unreadable } from '../../../src/cli/captured-file.ts';
import { registerMtree } from '../../../src/cli/commands/mtree.ts';
import { runInProcess } from '../../support/in-process-cli.ts';
import { messageOf } from '../../support/message-of.ts';

describe('a text without end was read until the memory was full', () => {
  test.runIf(existsSync('/dev/zero'))('as a file', async () => {
    const { status, stderr } = await runInProcess(registerMtree, ['mtree', '/dev/zero']);
    expect([status, stderr]).toEqual([2, expect.stringMatching(/zero: has more than 64 MiB; give a layout/)]);
  });

  test('as standard input, which comes in pieces', () => {
    const text = new BoundedText();
    const piece = new Uint8Array(1 << 20);
    const read = (): void => {
      for (let n = 0; n < 65; n += 1) text.add(piece);
    };
    expect(read).toThrow();
    const told = messageOf(() => {
      try {
        read();
      } catch (error) {
        throw unreadable('standard input', error);
      }
    });
    expect(told).toMatch(/standard input: has more than 64 MiB/);
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
