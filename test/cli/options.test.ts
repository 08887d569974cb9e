import { InvalidArgumentError } from 'commander';
import { describe, expect, test } from 'vitest';
import { integerBetween, numberBetween, type OptionParser, wordOr } from '../../src/cli/options.ts';

const mendOf = (parse: OptionParser<unknown>, text: string): string => {
  try {
    return `accepted as ${String(parse(text))}`;
  } catch (error) {
    if (error instanceof InvalidArgumentError) return error.message;
    throw error;
  }
};

describe('integerBetween', () => {
  const vcpus = integerBetween(1, 256);
  test.each([
    ['1', 1],
    ['256', 256],
    ['007', 7],
    ['+2', 2],
  ])('takes %s', (text, value) => expect(vcpus(text)).toBe(value));
  test.each([
    '0',
    '257',
    '-1',
    '1e99',
    '1e1',
    '2.0',
    'abc',
    '',
    ' 2',
    '0x10',
    'NaN',
    'Infinity',
    '9'.repeat(400),
  ])('refuses %j and names the bounds', (text) =>
    expect(mendOf(vcpus, text)).toBe('Give a whole number from 1 to 256.'),
  );
  test('takes negative bounds', () => expect(integerBetween(-5, 5)('-5')).toBe(-5));
});

describe('numberBetween', () => {
  const seconds = numberBetween(0.1, 3600);
  test.each([
    ['0.1', 0.1],
    ['.5', 0.5],
    ['2.', 2],
    ['3600', 3600],
  ])('takes %s', (text, value) => expect(seconds(text)).toBe(value));
  test.each(['0', '0.09', '3601', '-2', '1e2', 'two', '', '.', '1,5', 'Infinity'])('refuses %j', (text) => {
    expect(mendOf(seconds, text)).toBe('Give a number from 0.1 to 3600.');
  });
});

describe('wordOr', () => {
  const churn = wordOr(['max', 'off'], integerBetween(1, 1_000_000));
  test.each([
    ['max', 'max'],
    ['off', 'off'],
    ['100', 100],
  ])('takes %s', (text, value) => expect(churn(text)).toBe(value));
  test.each(['MAX', 'on', '0', '-1', '1e99'])('refuses %j with all that it would take', (text) => {
    expect(mendOf(churn, text)).toBe('Give max, off, or a whole number from 1 to 1000000.');
  });
  test('does not swallow a fault of the parser', () => {
    const broken = wordOr(['max'], () => {
      throw new TypeError('ours');
    });
    expect(() => broken('x')).toThrow(TypeError);
  });
});
