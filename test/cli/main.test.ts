/** The command line's frame, as a shell sees it: streams, exit status, signals. */
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { runInProcess } from '../support/in-process-cli.ts';
import { registerSamples } from './sample-commands.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const nodeArgs = (script: string, args: readonly string[]): string[] => ['--import', 'tsx', script, ...args];
const runScript = (script: string, args: readonly string[]): SpawnSyncReturns<string> =>
  spawnSync(process.execPath, nodeArgs(script, args), { cwd: root, encoding: 'utf8' });
const flatview = (...args: string[]) => runScript('src/cli/main.ts', args);
const sample = (...args: string[]) => runScript('test/cli/sample-program.ts', args);

describe('flatview', () => {
  test('prints the version of package.json', () => {
    const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
    expect(flatview('--version')).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
  });
  test('prints help on standard output', () => {
    const run = flatview('--help');
    expect(run).toMatchObject({ status: 0, stderr: '' });
    expect(run.stdout).toMatch(/^Usage: flatview /);
    expect(run.stdout).toMatch(/Exit status: 0 .* 2 bad usage/);
  });
  test.each([
    [[], /^flatview: name a command: .*mtree.*; see flatview --help\n$/],
    [['--nonsense'], /^flatview: unknown option '--nonsense'; see flatview --help\n$/],
  ])('with %j says in one line what is wrong', (args, line) => {
    const run = flatview(...args);
    expect(run).toMatchObject({ status: 2, stdout: '' });
    expect(run.stderr).toMatch(line);
  });
});

describe('a command', () => {
  test('that is done ends with 0, one document on stdout and progress on stderr', () => {
    const run = sample('document', '--vcpus', '3', '--json');
    expect(run).toMatchObject({ status: 0, stderr: 'on its way\n' });
    expect(JSON.parse(run.stdout)).toEqual({ vcpus: 3, start: '0xfee00000' });
  });
  test('whose check fails ends with 1 and no complaint', () => {
    expect(sample('check-fails')).toMatchObject({ status: 1, stdout: '', stderr: '' });
  });
  test('that meets bad input ends with 2 and one line', () => {
    const line = 'flatview bad-input: INVALID_LAYOUT: a.json:3:7: not JSON. Mend it.\n';
    expect(sample('bad-input')).toMatchObject({ status: 2, stdout: '', stderr: line });
  });
  test('that fails by a fault of ours ends with 1 and the stack', () => {
    const run = sample('crash');
    expect(run).toMatchObject({ status: 1, stdout: '' });
    expect(run.stderr).toMatch(/fault of ours[\s\S]*TypeError: our own\n\s+at /);
  });
  test('cannot print two documents', () => {
    expect(sample('twice')).toMatchObject({ status: 1, stdout: '1\n' });
  });

  test.each([
    ['an unknown command', ['nosuch'], /^flatview: unknown command 'nosuch'; see flatview --help\n$/],
    ['a misspelt one', ['documen'], /^flatview: unknown command 'documen' \(Did you mean document\?\); see/],
    ['no command', [], /^flatview: name a command: document, check-fails, /],
    [
      'an unknown option',
      ['document', '--jsn'],
      /^flatview document: unknown option '--jsn' \(Did you mean --json\?\)/,
    ],
    [
      'a missing value',
      ['document', '--vcpus'],
      /^flatview document: option '--vcpus <count>' argument missing; see/,
    ],
    [
      'a bad value',
      ['document', '--vcpus', '-1'],
      /^flatview document: option '--vcpus <count>' argument '-1' is invalid\. Give a whole number from 1 to 16\.; see/,
    ],
    ['too many arguments', ['crash', 'x'], /^flatview crash: too many arguments/],
  ])('%s ends with 2 and one line that names the mend', async (_name, args, line) => {
    const run = await runInProcess(registerSamples, args);
    expect(run).toMatchObject({ status: 2, stdout: '' });
    expect(run.stderr).toMatch(line);
    expect(run.stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test('ends quietly when nobody reads its output any more', async () => {
    const child = spawn(process.execPath, nodeArgs('test/cli/sample-program.ts', ['flood']), { cwd: root });
    let complaint = '';
    child.stderr.on('data', (text) => {
      complaint += text;
    });
    await once(child.stdout, 'data');
    child.stdout.destroy();
    const [status] = await once(child, 'close');
    expect({ status, complaint }).toEqual({ status: 0, complaint: '' });
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('cleans up on %s and then ends by it', async (signal) => {
    const child = spawn(process.execPath, nodeArgs('test/cli/sample-program.ts', ['wait']), { cwd: root });
    let output = '';
    child.stdout.on('data', (text) => {
      output += text;
    });
    await once(child.stdout, 'data');
    child.kill(signal);
    const [status, endedBy] = await once(child, 'close');
    expect({ status, endedBy }).toEqual({ status: null, endedBy: signal });
    expect(output).toBe('ready\nclosed a file\ncleaned up\n');
  });
});
