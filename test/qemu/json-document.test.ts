/** Where a text leaves JSON's grammar, by line and column; JSON.parse alone does not say. */
import { describe, expect, test } from 'vitest';
import { parseJson } from '../../src/qemu/json-document.ts';
import { messageOf } from '../support/message-of.ts';

describe('text that is not JSON is told with line and column', () => {
  test.each<[string, string]>([
    ['', '1:1: not JSON: expected a value, found the end of the text'],
    ['{"a": 1,\n  "b": }', "2:8: not JSON: expected a value, found '}'"],
    ['{"a" 1}', "1:6: not JSON: expected ':', found '1'"],
    ['{a: 1}', "1:2: not JSON: expected a name in double quotes, found 'a'"],
    ['{"a": 1,}', "1:9: not JSON: expected a name in double quotes, found '}'"],
    ['[1, 2', "1:6: not JSON: expected ',' or ']', found the end of the text"],
    ['[1 2]', "1:4: not JSON: expected ',' or ']', found '2'"],
    ['[1, ]', "1:5: not JSON: expected a value, found ']'"],
    ['[NaN]', "1:2: not JSON: expected a value, found 'N'"],
    ['[01]', "1:3: not JSON: expected ',' or ']', found '1'"],
    ['{"a": [{}, []], "b": {"c": tru}}', "1:28: not JSON: expected a value, found 't'"],
    ['[]\n[]', "2:1: not JSON: expected the end of the text, found '['"],
    ['["a\nb"]', '1:4: not JSON: expected \'"\' or an escaped character, found the control character "\\n"'],
    ['["a\\x"]', "1:4: not JSON: expected an escape sequence of JSON, found '\\'"],
    ['["a\\"', "1:6: not JSON: expected '\"', found the end of the text"],
  ])('%j', (text, message) => {
    expect(messageOf(() => parseJson(text, 'file', 'INVALID_LAYOUT'))).toBe(
      `INVALID_LAYOUT: file:${message}`,
    );
  });

  test('a byte order mark is not part of the text', () => {
    expect(parseJson('\uFEFF[1]', 'file', 'INVALID_LAYOUT')).toEqual([1]);
  });

  test('nesting without end costs no stack', () => {
    expect(messageOf(() => parseJson('['.repeat(1_000_000), 'file', 'INVALID_LAYOUT'))).toMatch(/1:1000001/);
  });
});
