/** What the commands are given, how --help says it, and how bad usage is refused: in one line that says what to do. */
import { parseArgs } from 'node:util';

/** Bad usage; its message is the line. */
export class UsageError extends Error {}

/** Nothing but --help is wanted; its message is the text. */
export class HelpWanted extends Error {}

interface Option {
  readonly type: 'string' | 'boolean';
  readonly multiple?: true;
  readonly short?: string;
  /** What the option's value is called. */
  readonly value?: string;
  readonly about: string;
}
type Options = Readonly<Record<string, Option>>;

export const flag = (about: string) => ({ type: 'boolean', about }) as const;
export const valued = (value: string, about: string) => ({ type: 'string', value, about }) as const;
export const repeated = (value: string, about: string) =>
  ({ type: 'string', multiple: true, value, about }) as const;

export const jsonOption = flag('one document instead of text');
const helpOption = { ...flag('this text'), short: 'h' };

export interface Usage<T extends Options> {
  /** The command, up to its options. */
  readonly command: string;
  /** Words that are no options; empty: those that belong to options of several; absent: none are taken. */
  readonly words?: string;
  readonly about: string;
  readonly options: T;
  readonly exit: string;
}

interface Parsed<T extends Options> {
  readonly values: {
    readonly [Name in keyof T]?: T[Name] extends { multiple: true }
      ? string[]
      : T[Name] extends { type: 'string' }
        ? string
        : boolean;
  };
  readonly positionals: string[];
}

/** parseArgs, with its errors as one line each. @throws UsageError; HelpWanted */
export function parsed<T extends Options>(usage: Usage<T>, args: readonly string[]): Parsed<T> {
  const { words, options } = usage;
  const known: Options = { ...options, help: helpOption };
  try {
    const result = parseArgs({ args: [...args], allowPositionals: words !== undefined, options: known });
    if (result.values['help'] !== true) return result as Parsed<T>;
  } catch (error) {
    throw new UsageError(`${(error as Error).message.replace(/\s*\n\s*/g, ' ')}; see --help`);
  }
  throw new HelpWanted(helpText({ ...usage, options: known }));
}

function helpText({ command, words, about, options, exit }: Usage<Options>): string {
  const rows = Object.entries(options).map(([name, { value, about: does }]) => {
    return [value === undefined ? `--${name}` : `--${name} ${value}`, does] as const;
  });
  const width = Math.max(...rows.map(([option]) => option.length));
  const lines = rows.map(([option, does]) => `  ${option.padEnd(width)}  ${does}\n`);
  const call = words ? `${command} ${words}` : command;
  return `Usage: ${call} [options]\n\n${about}\n\n${lines.join('')}\nExit: ${exit}.\n`;
}

/** @throws UsageError */
export function numberIn(option: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}(?:\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${option} ${text}: give a number from ${min} to ${max}`);
}

/** @throws UsageError */
export function wholeIn(option: string, text: string, min: number, max: number): number {
  const value = /^\d{1,13}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${option} ${text}: give a whole number from ${min} to ${max}`);
}

/** @throws UsageError */
export const seedOf = (text: string | undefined): number => wholeIn('--seed', text ?? '1', 0, 2 ** 31 - 1);
