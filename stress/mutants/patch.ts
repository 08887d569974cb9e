/** Breaking a step on purpose: a method of a class is replaced while a scenario runs, and put back. */

/**
 * Replaces `method` of `target`'s prototype.
 * @param replacement `This` names the private parts that it reaches for
 * @returns puts the method back
 * @throws Error if there is no such method any more: the mutant must be written anew
 */
export function patch<This>(
  target: { readonly name: string; readonly prototype: object },
  method: string,
  replacement: (this: This, ...args: never[]) => unknown,
): () => void {
  const original = Object.getOwnPropertyDescriptor(target.prototype, method);
  if (typeof original?.value !== 'function') {
    throw new Error(`${target.name} has no method ${method}: the mutant that breaks it is out of date`);
  }
  Object.defineProperty(target.prototype, method, { ...original, value: replacement });
  return () => Object.defineProperty(target.prototype, method, original);
}

/** The method as it is, for a break that goes on with it. */
export const methodOf = <Args extends unknown[], Result>(
  target: { readonly prototype: object },
  method: string,
): ((...args: Args) => Result) & { call(self: unknown, ...args: Args): Result } =>
  (target.prototype as Record<string, unknown>)[method] as never;
