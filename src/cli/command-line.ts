/**
 * The command line as a whole: finds the command, runs it, and turns what it throws into an exit status.
 *
 *   status   when                                      standard error
 *   0        done, and all that was checked holds      progress only
 *   1        a check failed: the command set exitCode  progress only
 *   1        a fault of ours                           the stack
 *   2        bad usage or bad input                    one line: command, what is wrong where, the mend
 *
 * Guarantee: never calls process.exit while output may be pending, except when nobody reads it any more.
 */
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { MemoryError } from '../base/errors.ts';
import { beginOutput } from './output.ts';

export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_BAD_INPUT = 2;

/** Adds one command to the program: exported by each file of commands/. */
export type RegisterCommand = (program: Command) => void;

/** Runs the command that `args` name (without node and script) and leaves its status in process.exitCode. */
export async function runCommandLine(
  args: readonly string[],
  commands: readonly RegisterCommand[],
): Promise<void> {
  endQuietlyWithoutReader();
  beginOutput();
  const program = createProgram(commands);
  try {
    if (args.length === 0) program.error(`name a command: ${commandNames(program).join(', ')}`);
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    const command = commandNames(program).find((name) => name === args.find((arg) => !arg.startsWith('-')));
    process.exitCode = report(error, command ? `${program.name()} ${command}` : program.name());
  }
}

function createProgram(commands: readonly RegisterCommand[]): Command {
  const manifest = createRequire(import.meta.url)('flatview/package.json') as { version: string };
  const program = new Command('flatview')
    .description("QEMU's memory API: run a captured machine under layout churn, print and replay layouts")
    .version(manifest.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false) // a second way, which answers to an unknown command with pages instead of a line
    .addHelpText(
      'after',
      '\nExit status: 0 all that was checked holds, 1 a check failed, 2 bad usage or bad input.',
    )
    .exitOverride()
    .configureOutput({ outputError: () => {} }); // report() writes the one line
  for (const register of commands) register(program);
  return program;
}

const commandNames = (program: Command): string[] => program.commands.map((command) => command.name());

/** Says what went wrong and returns the exit status for it. */
function report(error: unknown, who: string): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT_OK; // help and version end the parse by throwing
    complain(`${who}: ${oneLine(error.message).replace(/^error: /, '')}; see ${who} --help`);
    return EXIT_BAD_INPUT;
  }
  if (error instanceof MemoryError) {
    complain(`${who}: ${oneLine(error.message)}`);
    return EXIT_BAD_INPUT;
  }
  complain(`${who}: a fault of ours, not yours; please report it with these lines`);
  complain(error instanceof Error ? (error.stack ?? String(error)) : String(error));
  return EXIT_FAILED;
}

/** What a file or an argument says is quoted in messages, and a terminal would obey some of it. */
const oneLine = (message: string): string =>
  message
    .trim()
    .replace(/\s*\n\s*/g, ' ')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, shownControl);

const shownControl = (character: string): string =>
  `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`;

const complain = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/** `flatview mtree … | head` closes our standard output: that is the reader's right, not an error. */
function endQuietlyWithoutReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit();
    });
  }
}
