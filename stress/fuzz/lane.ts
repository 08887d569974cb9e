/** Fuzzes one target in a process of its own, batch by batch, and tells the parent before each: see run.ts. */
import { runBatch } from './batch.ts';
import { targets } from './targets.ts';

/** What the parent is told: before a batch, after the last, or of the first that failed. */
export type LaneNews =
  | { readonly kind: 'batch'; readonly seed: number; readonly cases: number; readonly done: number }
  | { readonly kind: 'held'; readonly done: number }
  | { readonly kind: 'failed'; readonly done: number; readonly report: string };

const tell = (news: LaneNews): Promise<void> =>
  new Promise((resolve) => process.send!(news, undefined, undefined, () => resolve()));

async function main([name, seedText, casesText, millisecondsText]: readonly string[]): Promise<void> {
  const target = targets.find((known) => known.name === name)!;
  const [firstSeed, casesMax, milliseconds] = [Number(seedText), Number(casesText), Number(millisecondsText)];
  const startMs = performance.now();
  let done = 0;
  for (let seed = firstSeed; done < casesMax && performance.now() - startMs < milliseconds; seed += 1) {
    const cases = Math.min(target.quickCases, casesMax - done);
    await tell({ kind: 'batch', seed, cases, done });
    const failure = await runBatch(target, { seed, cases });
    if (failure !== null) return tell({ kind: 'failed', done, ...failure });
    done += cases;
  }
  await tell({ kind: 'held', done });
}

await main(process.argv.slice(2));
process.disconnect();
