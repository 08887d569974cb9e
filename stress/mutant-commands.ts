/** --list-mutants and --mutant all. */
import type { StressArguments } from './arguments.ts';
import { type Conviction, convictAll } from './convict.ts';
import { type Mutant, mutants } from './mutants.ts';
import { scenariosNamed } from './named.ts';
import { print, progress, table } from './report.ts';
import { UsageError } from './usage.ts';

export function listMutants(json: boolean): number {
  if (json) print(mutants);
  else {
    for (const mutant of mutants)
      process.stdout.write(`${mutant.name}  (${mutant.scenario}${only(mutant)})  ${mutant.breaks}\n`);
  }
  return 0;
}

/** All of them, or those of the scenarios named; of these a shard. @returns the exit status: 1 if one gets away */
export async function runAllMutants(given: StressArguments): Promise<number> {
  const { seed, vcpus, shard, json } = given;
  const named = scenariosNamed(given.scenarios).map(({ name }) => name);
  const asked = mutants
    .filter(({ scenario }) => named.length === 0 || named.includes(scenario))
    .filter((_, index) => index % shard.count === shard.index - 1);
  if (asked.length === 0) throw new UsageError('no mutant belongs to that; see --list-mutants');
  const convictions: Conviction[] = [];
  for await (const conviction of convictAll(asked, ['--seed', String(seed), '--vcpus', String(vcpus)])) {
    convictions.push(conviction);
    const { mutant, scenario, convicted, seconds, seen } = conviction;
    progress(`${word(convicted)}  ${mutant}  by ${scenario} in ${seconds} s: ${seen}`);
  }
  const away = convictions.filter(({ convicted }) => !convicted).length;
  if (json) print({ seed, vcpus, mutants: convictions });
  else {
    const rows = convictions.map((conviction) => [
      ...[conviction.mutant, `${word(conviction.convicted)}${only(conviction)}`, conviction.scenario],
      ...[conviction.noticedSeconds ?? 'never', conviction.seconds, conviction.model ?? '–'],
    ]);
    const head = [
      'mutant',
      'verdict',
      'by scenario',
      'noticed, s',
      'in all, s',
      'and by Spin, in stress/model',
    ];
    process.stdout.write(table(head, rows));
    process.stdout.write(`${convictions.length - away} of ${convictions.length} mutants convicted\n`);
  }
  return away === 0 ? 0 : 1;
}

const word = (convicted: boolean): string => (convicted ? 'convicted' : 'GOT AWAY');
const only = ({ walkOnly }: Pick<Mutant, 'walkOnly'>): string => (walkOnly ? ', walk only' : '');
