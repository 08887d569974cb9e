/** The model command: what it reads out of Spin's words, its table of models, and a quick model where Spin is there. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseModelArguments } from '../../stress/model/arguments.ts';
import { type Check, checks, modelNames } from '../../stress/model/models.ts';
import { condensedTrail, parsePan } from '../../stress/model/pan-output.ts';
import { findTools, ToolMissing, verify } from '../../stress/model/verify.ts';
import { mutants } from '../../stress/mutants.ts';

const projectRoot = fileURLToPath(new URL('../../', import.meta.url));
const folder = new URL('../../stress/model/', import.meta.url);

/** What verifiers printed, without what nobody reads. */
const head = `
(Spin Version 6.5.2 -- 6 December 2019)
	+ Partial Order Reduction

Full statespace search for:
	never claim         	- (not selected)
	assertion violations	+
	cycle checks       	- (disabled by -DSAFETY)
	invalid end states	+
`;
const complete = `${head}
State-vector 52 byte, depth reached 1051, errors: 0
     8433 states, stored
    13540 states, matched
pan: elapsed time 0.03 seconds
`;
const cycle = `pan:1: acceptance cycle (at depth 203)
pan: wrote device-lock.pml.trail

(Spin Version 6.5.2 -- 6 December 2019)
Warning: Search not completed

Full statespace search for:
	never claim         	+ (progress)
	acceptance   cycles 	+ (fairness enabled)

State-vector 60 byte, depth reached 213, errors: 1
      281 states, stored (798 visited)
`;
const assertion = `pan:1: assertion violated  !(isAnswered) (at depth 801)
pan: wrote mailbox.pml.trail
Warning: Search not completed
${head}
State-vector 64 byte, depth reached 825, errors: 1
    11896 states, stored
`;
const outOfMemory = `pan: reached -DMEMLIM bound
	0 bytes used
	2.24002e+07 bytes more needed
Warning: Search not completed
${head}
State-vector 0 byte, depth reached 0, errors: 0
        0 states, stored
`;

describe('what a verifier printed', () => {
  test.each([
    ['a complete search', complete, { violation: null, truncated: null, states: 8433, depth: 1051 }],
    ['a cycle', cycle, { violation: 'acceptance cycle', states: 281, depth: 213 }],
    ['an assertion', assertion, { violation: 'assertion violated  !(isAnswered)', states: 11896 }],
    ['a great search', complete.replace('8433', '1.1e+07'), { truncated: null, states: 1.1e7 }],
  ])('is read: %s', (_what, text, report) => {
    expect(parsePan(text)).toMatchObject(report);
  });

  test.each([
    [
      'is not deep enough',
      `error: max search depth too small\n${complete}`,
      'the search was not deep enough',
    ],
    ['has too little memory', outOfMemory, 'the search ran out of memory'],
    ['is a sample', complete.replace('Full statespace', 'Bit statespace'), 'the search did not end'],
    ['was killed', 'Depth=  999999 States=    3e+06 Transitions= 1.04e+07\n', 'the search did not end'],
    [
      'has too many threads',
      'pan: error: too many processes -- current max is 6 procs (-DNFAIR=2)\n',
      'too many processes -- current max is 6 procs (-DNFAIR=2)',
    ],
    ['printed nothing', '', 'the search did not end'],
  ])('is no verdict where the search %s', (_what, text, truncated) => {
    expect(parsePan(text)).toMatchObject({ violation: null, truncated });
  });

  test('is an error also where it has no name', () => {
    expect(parsePan(complete.replace('errors: 0', 'errors: 1')).violation).toBe('an error without a name');
  });

  test('of a trail keeps who does what', () => {
    const trail = `ltl progress: [] (<> (inside>0))
203:	proc  2 (vcpu:1) device-lock.pml:79 (state 43)	[((slot<3))]
  <<<<<START OF CYCLE>>>>>
205:	proc  1 (vcpu:1) device-lock.pml:51 (state -12)	[asleep[slot] = 1]
spin: trail ends after 205 steps
`;
    expect(condensedTrail(trail)).toEqual([
      'vcpu 2, line 79: ((slot<3))',
      'and so on for ever:',
      'vcpu 1, line 51: asleep[slot] = 1',
    ]);
  });
});

describe('the table of models', () => {
  const ofModel = (name: string): Check[] => checks.filter(({ model }) => model === name);

  test('has every file, and no other', () => {
    const files = readdirSync(folder).filter((name) => name.endsWith('.pml'));
    expect([...modelNames].map((name) => `${name}.pml`).toSorted()).toEqual(files.toSorted());
  });

  test('have a variant for each mutant that says so', () => {
    const variants = checks.map(({ model, variant }) => `${model} ${variant}`);
    const named = mutants.map(({ model }) => model).filter((model) => model !== null);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((model) => !variants.includes(model))).toEqual([]);
  });

  test.each([...modelNames])('%s: safe and live as it is, and broken for each', (name) => {
    const properties = (isBroken: boolean): Set<string> =>
      new Set(
        ofModel(name).flatMap(({ variant, property }) => ((variant !== null) === isBroken ? [property] : [])),
      );
    expect(properties(false)).toEqual(new Set(['safety', 'progress']));
    expect(properties(true)).toEqual(new Set(['safety', 'progress']));
  });

  test.each([...modelNames])('%s: names the macros that the file looks at', (name) => {
    const text = readFileSync(new URL(`${name}.pml`, folder), 'utf8');
    const looksAt = text.matchAll(/#ifn?def (\w+)|defined\((\w+)\)/g);
    const named = ofModel(name).flatMap(({ defines }) => defines.map((define) => define.replace(/=.*/, '')));
    const sizes = [...text.matchAll(/#ifndef (\w+)\n#define \1 /g)].map(([, size]) => size!);
    expect(new Set([...named, ...sizes])).toEqual(
      new Set([...looksAt].map(([, one, other]) => one ?? other)),
    );
  });
});

describe('usage', () => {
  const model = (args: readonly string[], env = process.env) =>
    spawnSync(process.execPath, ['--import', 'tsx', 'stress/model/run.ts', ...args], {
      cwd: projectRoot,
      encoding: 'utf8',
      env,
    });

  test.each([
    ['an unknown model', ['--only', 'tea-time'], /^there is no model 'tea-time'; there are: grace, .*$/],
    ['an unknown option', ['--fast'], /^.*--fast.*; see --help$/],
    ['a word that is no option', ['grace'], /^.*grace.*; see --help$/],
  ])('%s is refused in one line', (_what, args, line) => {
    expect(() => parseModelArguments(args)).toThrow(line);
  });

  test('models are named one by one', () => {
    const args = ['--only', 'grace', '--only', 'doorbell', '--json'];
    expect(parseModelArguments(args)).toEqual({ only: ['grace', 'doorbell'], json: true });
  });

  test('bad usage ends with status 2', () => {
    const { status, stdout, stderr } = model(['--only', 'tea-time']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test('without Spin it ends with status 3 and one line that says what to install', () => {
    const { status, stdout, stderr } = model([], { PATH: '' });
    expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
    expect(stderr).toMatch(/^model: nothing was checked: no spin and cc here; .*apt-get install spin gcc\n$/);
  });
});

const hasTools = await findTools({ spin: 'spin', cc: 'cc' }).then(
  () => true,
  (error: unknown) => {
    if (error instanceof ToolMissing) return false;
    throw error;
  },
);

describe.skipIf(!hasTools)('Spin', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'flatview-model-test-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  const ask = (variant: string | null, change: Partial<Check> = {}) => {
    const found = checks.find((check) => check.model === 'device-lock' && check.variant === variant)!;
    return verify({ ...found, ...change }, { spin: 'spin', cc: 'cc' }, join(directory, crypto.randomUUID()));
  };

  test('finds a device lock safe, and one that is taken by a look and a store not', async () => {
    expect(await ask(null)).toMatchObject({ verdict: 'held', passed: true, trail: [] });
    expect(await ask('TAKES_BY_STORE')).toMatchObject({ verdict: 'refuted', passed: true });
  });

  test('says how it came to what should not be', async () => {
    const outcome = await ask('TAKES_BY_STORE', { variant: null });
    expect(outcome).toMatchObject({ verdict: 'refuted', passed: false });
    expect(outcome.detail).toContain('assertion violated');
    expect(outcome.trail.join('\n')).toMatch(/^vcpu \d, line \d+: /m);
  });

  test('does not take a variant for refuted that fails otherwise than it must, or that is none', async () => {
    expect(await ask('SLEEPS_BLINDLY', { property: 'safety' })).toMatchObject({ passed: false });
    expect(await ask(null, { variant: 'NONE' })).toMatchObject({ verdict: 'held', passed: false });
  });

  test('fails with its last words where a model cannot be read', async () => {
    const outcome = await ask(null, { defines: ['VCPUS=('] });
    expect(outcome).toMatchObject({ verdict: 'failed', passed: false });
    expect(outcome.detail).not.toBe('');
  });
});
