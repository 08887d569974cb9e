/**
 * Properties under fire: real vCPU threads on a real machine in checked mode, and what breaks it on purpose.
 *
 *   npm run -s stress -- [--scenario NAME…] [--seconds S] [--vcpus N] [--seed K] [--shard i/n] [--json]
 *   npm run -s stress -- --budget 120      all scenarios in two minutes: each has a share by its own length
 *   npm run -s stress -- --replay FILE     runs again what FILE, which --failures DIR got, says of a failure
 *   npm run -s stress -- --merge FILE…     one document of those that shards wrote with --json
 *   npm run -s stress -- --mutant NAME     runs the scenario that must convict it: exit 1
 *   npm run -s stress -- --mutant all      every mutant in a process of its own: exit 1 if one gets away
 *   npm run -s stress -- --list-mutants [--json]
 *
 * Exit: 0 all properties held, 1 one was violated, 2 bad usage. Scenarios run one after the other. The seed
 * fixes layouts and decisions; how threads interleave, no seed can fix. A failure is printed, and kept as a file
 * in DIR, ./stress-failures by default.
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
