/** What a fuzz target is: one edge of the library, the inputs that are thrown at it, and what must hold for each. */
import type { IAsyncPropertyWithHooks, IPropertyWithHooks } from 'fast-check';
import { MemoryError } from '../../src/base/errors.ts';

export interface FuzzTarget {
  readonly name: string;
  /** The property, as a statement. */
  readonly property: string;
  /** Cases in the suite: about a second of them. */
  readonly quickCases: number;
  /** Draws one input and throws at the first thing that does not hold. Cases share nothing. */
  make(): IPropertyWithHooks<unknown[]> | IAsyncPropertyWithHooks<unknown[]>;
}

/** An error that hostile values throw when they are looked at: whoever touches them may pass it on. */
export class HostileError extends Error {}

/** What `body` throws that a caller has to expect; null if nothing. @throws anything else */
export function refusalOf(body: () => unknown): MemoryError | null {
  try {
    body();
    return null;
  } catch (error) {
    if (error instanceof MemoryError) return error;
    throw error;
  }
}

/** Throws unless `holds`; the text says what should. */
export function must(holds: boolean, statement: string): asserts holds {
  if (!holds) throw new Error(statement);
}

/** A refusal's message is one line that a terminal can show, and begins with its code. */
export function mustBeOneLine({ code, message }: MemoryError): void {
  must(message.startsWith(`${code}: `), `the message begins with its code: ${JSON.stringify(message)}`);
  must(message.length < 4096, `the message is short, not ${message.length} characters`);
}
