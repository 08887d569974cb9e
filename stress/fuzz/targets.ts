/** Every fuzz target, by name. */
import { apiArguments } from './api-arguments.ts';
import { apiHistories } from './api-commands.ts';
import { commandLines } from './commands.ts';
import { deviceAnswers } from './device-answers.ts';
import { layouts, monitorTexts, sequences } from './importers.ts';
import type { FuzzTarget } from './target.ts';

export const targets: readonly FuzzTarget[] = [
  layouts,
  sequences,
  monitorTexts,
  commandLines,
  deviceAnswers,
  apiArguments,
  apiHistories,
];
