/**
 * Properties under fire: real vCPU threads on a real machine in checked mode, and what breaks it on purpose. How it is
 * used and what its status means: `npm run -s stress -- --help`.
 */
import { parseStressArguments } from './arguments.ts';
import { endAs } from './end.ts';
import { readFailure } from './failure.ts';
import { breakInSource } from './mutants/in-source.ts';

await endAs('stress', async () => {
  const given = parseStressArguments(process.argv.slice(2));
  const recorded = given.replay === null ? null : readFailure(given.replay);
  breakInSource(recorded?.mutant ?? given.mutant);
  const { stress } = await import('./command.ts'); // with src/, hence after the break
  return stress(given, recorded);
});
