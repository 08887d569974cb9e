/** --list-mutants and --mutant all. */
import type { StressArguments } from './arguments.ts';
import { type Conviction, convictAll } from './convict.ts';
import { type Mutant, mutants } from './mutants.ts';
import { print, progress, table } from './report.ts';

export function listMutants(json: boolean): number {
  if (json) print(mutants);
  else {
    for (const mutant of mutants)
      process.stdout.write(`${mutant.name}  (${mutant.scenario}${only(mutant)})  ${mutant.breaks}\n`);
  }
  return 0;
}

/** @returns the exit status: 1 if one gets away */
export async function runAllMutants({ seed, vcpus, json }: StressArguments): Promise<number> {
  const convictions: Conviction[] = [];
  for await (const conviction of convictAll(mutants, ['--seed', String(seed), '--vcpus', String(vcpus)])) {
    convictions.push(conviction);
    const { mutant, scenario, convicted, seconds, seen } = conviction;
    progress(`${word(convicted)}  ${mutant}  by ${scenario} in ${seconds} s: ${seen}`);
  }
  const away = convictions.filter(({ convicted }) => !convicted).length;
  if (json) print({ seed, vcpus, mutants: convictions });
  else {
    const rows = convictions.map(({ mutant, scenario, convicted, seconds, ...rest }) => [
      ...[mutant, `${word(convicted)}${only(rest)}`, scenario, seconds],
    ]);
    process.stdout.write(table(['mutant', 'verdict', 'by scenario', 'seconds'], rows));
    process.stdout.write(`${convictions.length - away} of ${convictions.length} mutants convicted\n`);
  }
  return away === 0 ? 0 : 1;
}

const word = (convicted: boolean): string => (convicted ? 'convicted' : 'GOT AWAY');
const only = ({ walkOnly, model }: Pick<Mutant, 'walkOnly' | 'model'>): string =>
  `${walkOnly ? ', walk only' : ''}${model === null ? '' : `, Spin: ${model}`}`;
