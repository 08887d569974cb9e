/** The model command's arguments. */
import { parsed, UsageError } from '../usage.ts';
import { modelNames } from './models.ts';

export interface ModelArguments {
  /** Models to check; empty: all. */
  readonly only: readonly string[];
  readonly json: boolean;
  readonly help: boolean;
}

export const MODEL_HELP = `Usage: npm run -s model -- [--only NAME...] [--json]

Checks the protocols' Promela models with Spin: each as the code has it, and broken on purpose.

  --only NAME  one model; again for more: ${modelNames.join(', ')}
  --json       one document with every check, instead of a table
  --help       this text

Exit: 0 all models hold, every state visited, and every broken variant was refuted; 1 not so; 2 bad usage;
3 nothing was checked, for spin or a C compiler is not there (Debian: apt-get install spin gcc).
`;

const options = {
  only: { type: 'string', multiple: true },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** @throws UsageError */
export function parseModelArguments(args: readonly string[]): ModelArguments {
  const {
    only = [],
    json = false,
    help = false,
  } = parsed({ args: [...args], options }, '; see --help').values;
  for (const name of only)
    if (!modelNames.includes(name))
      throw new UsageError(`there is no model '${name}'; there are: ${modelNames.join(', ')}`);
  return { only, json, help };
}
