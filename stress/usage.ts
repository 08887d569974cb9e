/** What the commands of stress/ are given, and how bad usage is refused: in one line that says what to do. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** Bad usage; its message is the line. */
export class UsageError extends Error {}

/** parseArgs, with its errors as one line each. @param mend what the line ends with @throws UsageError */
export function parsed<T extends ParseArgsConfig>(config: T, mend = ''): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError(`${(error as Error).message.replace(/\s*\n\s*/g, ' ')}${mend}`);
  }
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
