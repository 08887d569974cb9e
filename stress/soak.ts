/**
 * The properties under fire for hours: rounds over all scenarios, each round with another seed and another number
 * of vCPUs, faults on, until the time is up, a property is violated, or SIGINT or SIGTERM comes: `npm run soak -- --help`.
 *
 * All scenarios run in this one process, on purpose: what a scenario leaves behind, be it memory, a handle or a
 * thread, adds up from round to round and shows in the figures of each, where a child would take it to its grave.
 * A scenario cannot take the soak down with it: it never rejects, whatever hangs is bounded, and the rounds that
 * were done are in FILE.
 */
import { parseSoakArguments } from './arguments.ts';
import { endAs } from './end.ts';
import { breakInSource } from './mutants/in-source.ts';

/** A signal that comes as much later than the first ends the process at once; before, npm may have sent it twice. */
const AGAIN_MS = 1000;

await endAs('soak', async () => {
  const given = parseSoakArguments(process.argv.slice(2));
  breakInSource(given.mutant);
  const { soak } = await import('./soak-rounds.ts'); // with src/, hence after the break
  const end = new AbortController();
  let firstMs = 0;
  const stop = (): void => {
    if (!end.signal.aborted) firstMs = performance.now();
    else if (performance.now() - firstMs > AGAIN_MS) process.exit(1);
    end.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return soak(given, end.signal);
});
