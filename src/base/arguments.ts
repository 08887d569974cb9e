/**
 * What callers may pass, where it is not a number of the model: options, functions. Every check throws MemoryError
 * INVALID_ARGUMENT with the legal values; none looks further into a value than it must, for a value may be a trap.
 */
import { MemoryError } from './errors.ts';

/** How a value that is not what we asked for is shown in a message; short, whatever it is. */
export function describeValue(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'string') return value.length > 40 ? `'${value.slice(0, 40)}…'` : `'${value}'`;
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  if (typeof value === 'function') return 'a function';
  return String(value);
}

/** An options object; what its fields are is for others to check. */
export function optionsFromArgument<T extends object>(where: string, value: T): T {
  if (typeof value === 'object' && value !== null) return value;
  throw invalidArgument(where, `options must be an object, got ${describeValue(value)}`);
}

export function functionFromArgument<T>(where: string, what: string, value: T): T {
  if (typeof value === 'function') return value;
  throw invalidArgument(where, `${what} must be a function, got ${describeValue(value)}`);
}

export const invalidArgument = (where: string, what: string): MemoryError =>
  new MemoryError('INVALID_ARGUMENT', `${where}: ${what}`);
