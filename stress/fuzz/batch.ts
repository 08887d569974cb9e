/** Runs a number of a target's cases in this process, from a seed that draws them again. */
import fc from 'fast-check';
import type { FuzzTarget } from './target.ts';

export interface FuzzFailure {
  /** What was drawn, shrunk, with the error that it ended in. */
  readonly report: string;
}

/** Cases whose errors come later, out of a promise or a callback, must not count as passed. */
class Stray {
  private readonly errors: unknown[] = [];
  private readonly note = (error: unknown): void => void this.errors.push(error);

  watch(): void {
    process.on('unhandledRejection', this.note);
    process.on('uncaughtException', this.note);
  }

  /** @returns the first error that came by itself; null if none did */
  async end(): Promise<string | null> {
    await new Promise((resolve) => setImmediate(resolve)); // promises that were abandoned reject by now
    process.off('unhandledRejection', this.note);
    process.off('uncaughtException', this.note);
    const [first] = this.errors;
    if (first === undefined) return null;
    return `an error that nobody caught: ${first instanceof Error ? first.stack : String(first)}`;
  }
}

/** @returns null if the property held in every case */
export async function runBatch(
  target: FuzzTarget,
  { seed, cases }: { readonly seed: number; readonly cases: number },
): Promise<FuzzFailure | null> {
  const stray = new Stray();
  stray.watch();
  const property = target.make() as fc.IAsyncProperty<unknown[]>;
  const details = await fc.check(property, { seed, numRuns: cases, includeErrorInReport: true });
  const late = await stray.end();
  const again = `again: npm run fuzz -- --only ${target.name} --seed ${seed} --cases ${cases}`;
  if (details.failed) return { report: `${fc.defaultReportMessage(details)}\n${again}` };
  return late === null ? null : { report: `${late}\n${again}` };
}
