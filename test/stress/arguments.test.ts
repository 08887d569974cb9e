/** The arguments of the stress commands: what they mean, and the one line that refuses them. */
import { describe, expect, test } from 'vitest';
import { parseSoakArguments, parseStressArguments } from '../../stress/arguments.ts';
import { refusalOf } from '../support/refusal.ts';

describe('the stress command', () => {
  test('takes several scenarios after one option, and all others by themselves', () => {
    const args = ['--scenario', 'a', 'b', '--vcpus', '5', '--seed', '9', '--shard', '2/3', '--json'];
    expect(parseStressArguments(args)).toMatchObject({
      ...{ scenarios: ['a', 'b'], vcpus: 5, seed: 9, shard: { index: 2, count: 3 }, json: true },
    });
  });

  test('keeps failures in a directory that git ignores, where none is given', () => {
    expect(parseStressArguments([]).failures).toBe('stress-failures');
    expect(parseStressArguments(['--failures', 'here']).failures).toBe('here');
  });

  test('takes the files to merge after one option', () => {
    expect(parseStressArguments(['--merge', 'a.json', 'b.json'])).toMatchObject({
      ...{ merge: ['a.json', 'b.json'], scenarios: [] },
    });
  });

  test.each([
    ['an unknown option', ['--fast'], /--fast/],
    ['a word that is no option', ['lost-wakeup'], /give --scenario lost-wakeup/],
    ['no vCPU', ['--vcpus', '0'], /--vcpus 0: give a whole number from 1 to/],
    ['a time that is none', ['--seconds', 'soon'], /--seconds soon: give a number from/],
    ['a negative seed', ['--seed=-1'], /--seed -1: give a whole number/],
    ['a shard past the last', ['--shard', '3/2'], /--shard 3\/2: give i\/n/],
    ['a replay that is also told what to do', ['--replay', 'f', '--seed', '2'], /--replay: leave out --seed/],
    ['a merge of one seed', ['--merge', 'f', '--seed', '2'], /--merge: leave out --seed/],
    ['two ways to divide the time', ['--budget', '9', '--seconds', '2'], /--budget .* leave out --seconds/],
  ])('refuses %s in one line', (_what, args, line) => {
    expect(refusalOf(() => parseStressArguments(args))).toMatch(line);
  });
});

describe('the soak', () => {
  test('takes an hour where nothing is said, and hours or minutes', () => {
    const secondsOf = (...args: string[]): number => parseSoakArguments(args).totalSeconds;
    expect(secondsOf()).toBe(3600);
    expect(secondsOf('--hours', '0.5')).toBe(1800);
    expect(secondsOf('--minutes', '2')).toBe(120);
  });

  test.each([
    ['both', ['--hours', '1', '--minutes', '1'], /give --hours or --minutes/],
    ['no time', ['--minutes', '0'], /--minutes 0: give a number from/],
    ['a shard', ['--shard', '1/2'], /--shard/],
  ])('refuses %s', (_what, args, line) => {
    expect(refusalOf(() => parseSoakArguments(args))).toMatch(line);
  });
});
