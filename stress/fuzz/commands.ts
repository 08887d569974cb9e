/** Command lines: any options in any order, on files of any content. In this process, and without threads. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { MemoryError } from '../../src/base/errors.ts';
import { registerMtree } from '../../src/cli/commands/mtree.ts';
import { registerRamblock } from '../../src/cli/commands/ramblock.ts';
import { registerReplay } from '../../src/cli/commands/replay.ts';
import { registerRunWith } from '../../src/cli/commands/run.ts';
import { runInProcess } from '../../test/support/in-process-cli.ts';
import { edgeTexts } from './hostile.ts';
import { mutatedJson } from './mutated-json.ts';
import { type FuzzTarget, must } from './target.ts';

/** What `run` does once its arguments and its layout are accepted: here, to say so. */
const RAN = 'the machine would run now';
const commands = [
  registerMtree,
  registerRamblock,
  registerReplay,
  registerRunWith(() => Promise.reject(new MemoryError('VCPU_FAILED', RAN))),
];

const name = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('mtree', 'ramblock', 'run') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('replay', 'help', '', '__proto__', '--version', '-h', 'constructor'),
  },
  { weight: 1, arbitrary: edgeTexts },
);

const options = fc.oneof(
  fc.constantFrom(
    '-f',
    '-d',
    '-o',
    '-D',
    '-fd',
    '-oD',
    '--json',
    '--help',
    '-h',
    '--',
    '-x',
    '--jsn',
    '-'.repeat(40),
  ),
  fc
    .tuple(
      fc.constantFrom('--page-bits', '--vcpus', '--seconds', '--churn', '--seed', '--machine', '--flat'),
      fc.oneof(
        fc.constantFrom(
          '0',
          '1',
          '-1',
          '12',
          '1e9',
          '0x10',
          'max',
          'off',
          '1.5',
          '99999999999999999999',
          'NaN',
        ),
        fc.constantFrom('uno', 's390x', 'nosuch', 'FILE'),
        edgeTexts,
      ),
      fc.boolean(),
    )
    .map(([option, value, joined]) => (joined ? `${option}=${value}` : [option, value])),
);

const file = fc.oneof(
  { weight: 4, arbitrary: fc.constant('FILE') },
  {
    weight: 2,
    arbitrary: fc.constantFrom('uno', 's390x', 'nosuch', 'machines', './nosuch.json', 'package.json'),
  },
  { weight: 1, arbitrary: edgeTexts.filter((text) => text !== '-') },
);

const words = fc.array(fc.oneof({ weight: 3, arbitrary: options }, { weight: 2, arbitrary: file }), {
  maxLength: 6,
});

const at = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const contents = (): fc.Arbitrary<string> =>
  fc.oneof(
    {
      weight: 4,
      arbitrary: mutatedJson([at('machines/s390x-ccw-virtio.json'), at('machines/sifive_u.json')]),
    },
    { weight: 1, arbitrary: fc.constant(at('test/qemu/fixtures/text/s390x-ccw-virtio/mtree-f-d.txt')) },
    { weight: 1, arbitrary: edgeTexts },
  );

// biome-ignore lint/suspicious/noControlCharactersInRegex: these must not reach a terminal
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]/;

function checkOutcome({
  status,
  stdout,
  stderr,
}: {
  status: number | null;
  stdout: string;
  stderr: string;
}): void {
  must(
    status === 0 || status === 2,
    `a command that checks nothing ends with 0 or 2, not ${status}: ${stderr}`,
  );
  if (status === 0) return;
  must(stdout === '', 'a command that is refused prints nothing on standard output');
  const complaints = stderr.split('\n').filter((line) => line !== '' && !line.includes(': guessed: '));
  must(complaints.length === 1, `a refusal is one line, not ${complaints.length}`);
  must(/^flatview/.test(complaints[0]!), 'the line begins with the command');
  must(!CONTROLS.test(complaints[0]!), 'the line has no control characters');
}

let folder: string | null = null;

/** A file of this process, which goes with it. */
function fuzzedFile(): string {
  if (folder === null) {
    const made = mkdtempSync(join(tmpdir(), 'flatview-fuzz-'));
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
    folder = made;
  }
  return join(folder, 'fuzzed.json');
}

export const commandLines: FuzzTarget = {
  name: 'commands',
  property:
    'a command line is done with status 0, or refused with status 2 and one line that a terminal can show',
  quickCases: 120,
  make: () => {
    return fc.asyncProperty(name, words, contents(), async (command, rest, text) => {
      const path = fuzzedFile();
      writeFileSync(path, text);
      const args = [command, ...rest.flat()].map((word) => word.replace('FILE', path));
      const outcome = await runInProcess(commands, args);
      checkOutcome(outcome);
      const json = outcome.status === 0 && args.includes('--json') && outcome.stdout.startsWith('[');
      if (json) JSON.parse(outcome.stdout);
    });
  },
};
