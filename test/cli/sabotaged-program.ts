/** The run command with devices that lie; run.test.ts runs it as a process to see its exit status. */
import { runCommandLine } from '../../src/cli/command-line.ts';
import { registerRunWith } from '../../src/cli/commands/run.ts';
import { runPhases } from '../../src/verify/run-phases.ts';

const probeModule = new URL('../verify/lying-device.ts', import.meta.url);

await runCommandLine(process.argv.slice(2), [
  registerRunWith((layout, options, observe) => runPhases(layout, { ...options, probeModule }, observe)),
]);
