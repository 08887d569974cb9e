/** Stops on a broken invariant of our own. Never used for the caller's or the guest's mistakes. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new Error(`flatview invariant broken: ${invariant}`);
}
