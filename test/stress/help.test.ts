/** Every command of npm's that is ours says on --help what it takes. Those of src/cli: test/cli. */
import { readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseSoakArguments } from '../../stress/arguments.ts';
import { outcomeOf } from '../support/in-process-cli.ts';

const project = new URL('../../', import.meta.url);
const { scripts } = JSON.parse(readFileSync(new URL('package.json', project), 'utf8')) as {
  scripts: Readonly<Record<string, string>>;
};
const commands = Object.entries(scripts).flatMap(
  ([name, line]): (readonly [name: string, file: string])[] => {
    const [, file] = /--import tsx ((?:stress|bench|dev)\/\S+\.ts)$/.exec(line) ?? [];
    return file === undefined ? [] : [[name, file]];
  },
);

test('there are such commands', () => expect(commands.length).toBeGreaterThan(9));

describe('--help', () => {
  test.each(commands)('npm run %s', async (name, file) => {
    const { argv } = process;
    onTestFinished(() => {
      process.argv = argv;
    });
    process.argv = [argv[0]!, file, '--help'];
    const { status, stdout, stderr } = await outcomeOf(async () => {
      await import(new URL(file, project).href);
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: /);
    expect(stdout).toContain(name);
    expect(stdout).toMatch(/^ +(?:-h, )?--help {2}/m);
    expect(stdout).toMatch(/Exit|JSON/);
  });

  test('names what each option is given, and what it is for', () => {
    const help = (): unknown => parseSoakArguments(['--help']);
    expect(help).toThrow('\n  --hours H           how long rounds begin');
    expect(help).toThrow('\n  --keep-going        goes on after a violation\n');
    expect(() => parseSoakArguments(['-h', '--minutes', '1'])).toThrow(/^Usage/);
  });
});
