/**
 * Checks a history that the scenario `linearizability` kept, without machine and threads:
 *
 *   npm run -s histories -- FILE
 *
 * Exit: 0 the layouts explain it, 1 they do not, 2 no such file, or it is no history.
 */
import { readFileSync } from 'node:fs';
import { endAs } from './end.ts';
import { checkHistory, type HistoryVerdict } from './linearizability/check-history.ts';
import type { History } from './linearizability/history.ts';
import { UsageError } from './usage.ts';

function verdictOn(file: string | undefined): HistoryVerdict {
  if (file === undefined) throw new UsageError('give the file of a history');
  try {
    return checkHistory(JSON.parse(readFileSync(file, 'utf8')) as History);
  } catch (error) {
    throw new UsageError(`${file} cannot be checked: ${(error as Error).message}`);
  }
}

await endAs('histories', async () => {
  const { accesses, decided, convictions } = verdictOn(process.argv[2]);
  for (const { text } of convictions) process.stdout.write(`VIOLATED  ${text}\n`);
  process.stdout.write(`${accesses} accesses explained, ${decided} of them by one layout alone\n`);
  return convictions.length === 0 ? 0 : 1;
});
