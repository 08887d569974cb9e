/**
 * Checks a history that the scenario `linearizability` kept, without machine and threads:
 *
 *   npm run -s histories -- FILE
 *
 * Exit: 0 the layouts explain it, 1 they do not, 2 no such file, or it is no history.
 */
import { readFileSync } from 'node:fs';
import { checkHistory, type HistoryVerdict } from './linearizability/check-history.ts';
import type { History } from './linearizability/history.ts';

function verdictOn(file: string | undefined): HistoryVerdict | string {
  if (file === undefined) return 'give the file of a history';
  try {
    return checkHistory(JSON.parse(readFileSync(file, 'utf8')) as History);
  } catch (error) {
    return `${file} cannot be checked: ${(error as Error).message}`;
  }
}

const verdict = verdictOn(process.argv[2]);
if (typeof verdict === 'string') {
  process.stderr.write(`histories: ${verdict}\n`);
  process.exitCode = 2;
} else {
  const { accesses, decided, convictions } = verdict;
  for (const { text } of convictions) process.stdout.write(`VIOLATED  ${text}\n`);
  process.stdout.write(`${accesses} accesses explained, ${decided} of them by one layout alone\n`);
  process.exitCode = convictions.length === 0 ? 0 : 1;
}
