/** Checks a history that the scenario `linearizability` kept, without machine and threads: `npm run -s histories -- --help`. */
import { readFileSync } from 'node:fs';
import { endAs } from './end.ts';
import { checkHistory, type HistoryVerdict } from './linearizability/check-history.ts';
import type { History } from './linearizability/history.ts';
import { print } from './report.ts';
import { jsonOption, parsed, UsageError } from './usage.ts';

const usage = {
  command: 'npm run -s histories --',
  words: 'FILE',
  about: 'Checks again a history that the scenario `linearizability` kept, without machine and threads.',
  options: { json: jsonOption },
  exit: '0 the layouts explain it, 1 they do not, 2 no such file, or it is no history',
} as const;

function verdictOn([file, ...more]: readonly string[]): HistoryVerdict {
  if (file === undefined || more.length > 0) throw new UsageError('give one file of a history; see --help');
  try {
    return checkHistory(JSON.parse(readFileSync(file, 'utf8')) as History);
  } catch (error) {
    throw new UsageError(`${file} cannot be checked: ${(error as Error).message}`);
  }
}

await endAs('histories', async () => {
  const { values, positionals } = parsed(usage, process.argv.slice(2));
  const verdict = verdictOn(positionals);
  const { accesses, decided, convictions } = verdict;
  if (values.json) print(verdict);
  else {
    for (const { text } of convictions) process.stdout.write(`VIOLATED  ${text}\n`);
    process.stdout.write(`${accesses} accesses explained, ${decided} of them by one layout alone\n`);
  }
  return convictions.length === 0 ? 0 : 1;
});
