/** The model command's arguments. */
import { jsonOption, parsed, repeated, UsageError } from '../usage.ts';
import { modelNames } from './models.ts';

export interface ModelArguments {
  /** Models to check; empty: all. */
  readonly only: readonly string[];
  readonly json: boolean;
}

const usage = {
  command: 'npm run -s model --',
  about: "Checks the protocols' Promela models with Spin: each as the code has it, and broken on purpose.",
  options: {
    only: repeated('NAME', `one model; again for more: ${modelNames.join(', ')}`),
    json: jsonOption,
  },
  exit:
    '0 all models hold, every state visited, and every broken variant was refuted; 1 not so; 2 bad usage;\n' +
    '3 nothing was checked, for spin or a C compiler is not there (Debian: apt-get install spin gcc)',
} as const;

/** @throws UsageError; HelpWanted */
export function parseModelArguments(args: readonly string[]): ModelArguments {
  const { only = [], json = false } = parsed(usage, args).values;
  for (const name of only)
    if (!modelNames.includes(name))
      throw new UsageError(`there is no model '${name}'; there are: ${modelNames.join(', ')}`);
  return { only, json };
}
