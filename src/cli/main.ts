#!/usr/bin/env node
/** The `flatview` command. Each command is a file in commands/; here they are only lined up. */
import { type RegisterCommand, runCommandLine } from './command-line.ts';
import { registerMtree } from './commands/mtree.ts';
import { registerRamblock } from './commands/ramblock.ts';
import { registerReplay } from './commands/replay.ts';
import { registerRun } from './commands/run.ts';
import { registerServe } from './commands/serve.ts';

const commands: readonly RegisterCommand[] = [
  registerMtree,
  registerRamblock,
  registerRun,
  registerReplay,
  registerServe,
];

await runCommandLine(process.argv.slice(2), commands);
