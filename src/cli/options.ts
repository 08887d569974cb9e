/**
 * Parsers for commander's options. A bad value is an InvalidArgumentError, which commander completes with
 * the option's name and the value; what is said here is the mend.
 */
import { InvalidArgumentError } from 'commander';

/**
 * The most vCPUs that a command starts. A machine can have 256, but each is a thread with a heap of its own,
 * tens of megabytes, and from the command line that many would take the memory of the whole computer.
 */
export const VCPUS_MAX = 64;

/** Turns an option's text into its value, or throws InvalidArgumentError. */
export type OptionParser<T> = (text: string) => T;

/** A whole number in decimal digits, from `min` to `max`. */
export const integerBetween =
  (min: number, max: number): OptionParser<number> =>
  (text) => {
    const value = /^[+-]?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    return within(value, min, max, 'a whole number');
  };

/** A number in decimal digits, with a fraction if need be, from `min` to `max`. */
export const numberBetween =
  (min: number, max: number): OptionParser<number> =>
  (text) => {
    const value = /^[+-]?(?:\d{1,16}(?:\.\d*)?|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
    return within(value, min, max, 'a number');
  };

/** One of the words, or else what `parse` makes of it. */
export const wordOr =
  <Word extends string, T>(words: readonly Word[], parse: OptionParser<T>): OptionParser<Word | T> =>
  (text) => {
    const word = words.find((candidate) => candidate === text);
    if (word !== undefined) return word;
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      throw new InvalidArgumentError(`Give ${words.join(', ')}, or ${error.message.replace(/^Give /, '')}`);
    }
  };

function within(value: number, min: number, max: number, what: string): number {
  if (value >= min && value <= max) return value;
  throw new InvalidArgumentError(`Give ${what} from ${min} to ${max}.`);
}
