/** Runs a number of a target's cases in this process, from a seed that draws them again. */
import fc from 'fast-check';
import type { FuzzTarget } from './target.ts';

export interface FuzzFailure {
  /** What was drawn, shrunk, with the error that it ended in. */
  readonly report: string;
}

/** Errors that come by themselves, out of a promise or a callback: their cases must not count as passed. */
class Stray {
  /** Resolves with the first; never, if there is none. */
  readonly first: Promise<string>;
  private note: (error: unknown) => void = () => {};
  private found: string | null = null;

  constructor() {
    this.first = new Promise((resolve) => {
      this.note = (error) => {
        this.found ??= `an error that nobody caught: ${error instanceof Error ? error.stack : String(error)}`;
        resolve(this.found);
      };
    });
    process.on('unhandledRejection', this.note);
    process.on('uncaughtException', this.note);
  }

  async end(): Promise<string | null> {
    await new Promise((resolve) => setImmediate(resolve)); // promises that were abandoned reject by now
    process.off('unhandledRejection', this.note);
    process.off('uncaughtException', this.note);
    return this.found;
  }
}

/** @returns null if the property held in every case */
export async function runBatch(
  target: FuzzTarget,
  { seed, cases }: { readonly seed: number; readonly cases: number },
): Promise<FuzzFailure | null> {
  const stray = new Stray();
  const property = target.make() as fc.IAsyncProperty<unknown[]>;
  const details = fc.check(property, { seed, numRuns: cases, includeErrorInReport: true });
  // fast-check itself waits for ever where the drawing of a case throws.
  const outcome = await Promise.race([details, stray.first]);
  const late = await stray.end();
  const again = `again: npm run fuzz -- --only ${target.name} --seed ${seed} --cases ${cases}`;
  if (typeof outcome !== 'string' && outcome.failed)
    return { report: `${fc.defaultReportMessage(outcome)}\n${again}` };
  return late === null ? null : { report: `${late}\n${again}` };
}
