/** Text that is not QEMU's: told with file, line and column. */
import { describe, expect, test } from 'vitest';
import { imported, line, range, section } from '../support/mtree-text.ts';

describe('text that is not in the format', () => {
  const start = 'address-space: s\n';
  test.each<[string, string, string]>([
    ['nothing', '', '1:1: expected address-space: or memory-region:, found nothing'],
    ['another text', 'hello\n', "1:1: expected address-space: or memory-region:, found 'hello'"],
    [
      'a region outside any section',
      `${start}${line(1, `${range(0, 1)} (prio 0, ram): r`)}\n\n  x\n`,
      '4:1: a region outside any section',
    ],
    ['no indentation', `${start}${range(0, 1)} (prio 0, ram): r\n`, '2:1: indented by 0'],
    ['an odd indentation', `${start}   ${range(0, 1)} (prio 0, ram): r\n`, '2:4: indented by 3'],
    [
      'a short address',
      `${start}  123-456 (prio 0, ram): r\n`,
      "2:3: expected an address of 16 hex digits, found '123-456 (prio 0, ram): r'",
    ],
    [
      'no priority',
      `${start}  ${range(0, 1)} (prio x, ram): r\n`,
      "2:43: expected a priority, found 'x, ram): r'",
    ],
    [
      'a priority beyond 32 bits',
      `${start}  ${range(0, 1)} (prio 4294967296, ram): r\n`,
      '2:43: the priority does not fit in 32 bits',
    ],
    ['an unknown type', `${start}  ${range(0, 1)} (prio 0, tape): r\n`, '2:46: expected a type'],
    [
      'a line that ends early',
      `${start}  ${range(0, 1)}\n`,
      "2:36: expected ' (prio ', found the end of the line",
    ],
    [
      'an alias of another size',
      `${start}  ${range(0, 2)} (prio 0, ram): alias a @b ${range(0, 1)}\n`,
      '2:52: the alias shows another number of bytes',
    ],
    [
      'an alias without its target',
      `${start}  ${range(0, 1)} (prio 0, ram): alias a @b ${range(0, 1)}\n`,
      "2:3: alias 'a' shows 'b', but the text has no section",
    ],
    [
      'two roots',
      `${start}${`  ${range(0, 1)} (prio 0, ram): r\n`.repeat(2)}`,
      '3:52: a second root in one section',
    ],
    [
      'a section without tree, with -D',
      `${start}  ${range(0, 1)} (prio 0, ram): r [disabled]\n\naddress-space: t\n`,
      '4:1: a section without its tree',
    ],
    ['an endless line', `${start}  ${'x'.repeat(70_000)}\n`, '2:65537: the line is longer than 65536'],
    [
      'a depth beyond bounds',
      `${start}${line(2000, `${range(0, 1)} (prio 0, ram): r`)}\n`,
      '2:4050: nested more than 1000 deep',
    ],
  ])('%s', (_what, text, message) => {
    expect(() => imported(text)).toThrow(`INVALID_MTREE_TEXT: tree.txt:${message}`);
  });

  test.each<[string, string, string]>([
    ['nothing', '\n', '1:1: expected FlatView #NUMBER, found nothing'],
    ['another text', 'x', "1:1: expected FlatView #NUMBER, found 'x'"],
    ['a broken range', 'FlatView #0\n  12\n', '2:3: expected an address of 16 hex digits'],
    ['no range at all', 'FlatView #0\n AS memory\n', '2:1: expected two spaces and a range'],
    [
      'ranges that overlap',
      `FlatView #0\n${`  ${range(0, 1)} (prio 0, ram): r\n`.repeat(2)}`,
      '3:3: ranges must ascend without overlap',
    ],
    ['a range without type', `FlatView #0\n  ${range(0, 1)} (prio 0): r\n`, "2:44: expected ', TYPE): '"],
  ])('flat text: %s', (_what, text, message) => {
    expect(() =>
      imported(section('address-space: s', line(1, `${range(0, 1)} (prio 0, ram): r`)), text),
    ).toThrow(`INVALID_FLAT_TEXT: flat.txt:${message}`);
  });

  test('aliases that show each other', () => {
    const loop = (name: string, target: string): string =>
      section(
        `memory-region: ${name}`,
        line(1, `${range(0, 16)} (prio 0, i/o): alias ${name} @${target} ${range(0, 16)}`),
      );
    expect(() => imported(loop('a', 'b') + loop('b', 'a'))).toThrow(
      /INVALID_MTREE_TEXT: tree.txt: line 2: region 'a' would show itself/,
    );
  });
});
