/** The sample commands as a program; main.test.ts runs it as a process. */
import { runCommandLine } from '../../src/cli/command-line.ts';
import { registerSamples } from './sample-commands.ts';

await runCommandLine(process.argv.slice(2), [registerSamples]);
