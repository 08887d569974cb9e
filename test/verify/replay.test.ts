/** Captured sequences on live machines: all of them hold; and what breaks the rules is convicted. */
import { describe, expect, test } from 'vitest';
import { parseSequence, type Sequence, type SequenceStep } from '../../src/qemu/sequence-file.ts';
import { LiveReplay, type ReplayOptions, type StepReport } from '../../src/verify/live-replay.ts';
import type { Verification } from '../../src/verify/live-run.ts';
import { inOneOrder, sequenceCaptures } from '../support/captures.ts';

async function replay(
  steps: readonly SequenceStep[],
  options: ReplayOptions = { vcpus: 2 },
): Promise<{ steps: StepReport[]; verification: Verification }> {
  const live = new LiveReplay(options);
  try {
    const reports: StepReport[] = [];
    for (const step of steps) reports.push(await live.apply(step));
    await live.finish();
    return { steps: reports, verification: live.verification() };
  } finally {
    await live.close();
  }
}

const captures = sequenceCaptures();
const capture = (name: string): Sequence =>
  parseSequence(captures.find((candidate) => candidate.name === name)!.text, name);

describe('every captured sequence', () => {
  test.each(captures.map(({ name, text }) => [name, text] as const))('%s holds', async (name, text) => {
    const sequence = parseSequence(text, name);
    const { steps, verification } = await replay(sequence.steps);
    expect(verification).toMatchObject({ violations: 0, examples: [] });
    expect(verification.checked).toBeGreaterThan(1000 * steps.length);
    expect(steps.map(({ action }) => action)).toEqual(sequence.steps.map(({ action }) => action));
    for (const [index, { flat, generation, mutations, changed }] of steps.entries()) {
      expect(inOneOrder(flat)).toEqual(inOneOrder(sequence.steps[index]!.flat!));
      const before = steps[index - 1];
      if (mutations === 0) expect(generation).toBe(before?.generation);
      expect(changed.length > 0).toBe(generation !== before?.generation);
    }
  });
});

/** A layout of RAM and one device, whose text is easy to change. */
const step = (action: string, deviceAt: string, spaces: readonly string[]): object => ({
  action,
  set: [
    { id: 'ram', name: 'ram', kind: 'ram', size: '0x10000' },
    { id: 'dev', name: 'dev', kind: 'io', size: '0x1000' },
    {
      id: 'sys',
      name: 'sys',
      kind: 'container',
      size: '0x100000',
      children: [
        { id: 'dev', offset: deviceAt, priority: 1 },
        { id: 'ram', offset: '0x0', priority: 0 },
      ],
    },
  ],
  addressSpaces: spaces.map((name) => ({ name, root: 'sys' })),
});
const sequenceOf = (...steps: object[]): Sequence =>
  parseSequence(JSON.stringify({ format: 'flatview-sequence/1', name: 'made up', steps }), 'made-up');

test('address spaces come and go, with names that repeat', async () => {
  const { steps } = sequenceOf(
    step('begin', '0x20000', ['memory']),
    step('a second of that name', '0x20000', ['memory', 'memory']),
    step('moved', '0x4000', ['memory', 'memory', 'other']),
    step('gone', '0x4000', ['other']),
    step('back', '0x4000', ['memory', 'other']),
  );
  const report = await replay(steps);
  expect(report.verification).toMatchObject({ violations: 0 });
  expect(report.steps.map(({ flat }) => flat.flatMap(({ addressSpaces }) => addressSpaces))).toEqual([
    ['memory'],
    ['memory', 'memory'],
    ['memory', 'memory', 'other'],
    ['other'],
    ['memory', 'other'],
  ]);
  expect(report.steps[2]!.changed).toContainEqual({ addressSpace: 'memory', start: 0x4000n, last: 0x4fffn });
});

test('a step without a difference is listed, with no mutation and the same generation', async () => {
  const { steps } = await replay(
    sequenceOf(step('begin', '0x20000', ['memory']), { action: 'nothing' }).steps,
  );
  expect(steps[1]).toMatchObject({ action: 'nothing', mutations: 0, changed: [] });
  expect(steps[1]!.generation).toBe(steps[0]!.generation);
});

describe('a replay is convicted', () => {
  test('if the flat view of the file is not ours, with the step named', async () => {
    const wrong = { ...step('the wrong one', '0x30000', ['memory']), flat: [] };
    const sequence = sequenceOf(step('begin', '0x20000', ['memory']), wrong);
    const { verification } = await replay(sequence.steps);
    expect(verification.violations).toBe(1);
    expect(verification.examples[0]).toMatchObject({ address: 'step 1 (the wrong one)', expected: 'none' });
  });

  test('if a vCPU keeps its map', async () => {
    const program = new URL('./stale-replay-program.ts', import.meta.url);
    const { verification } = await replay(capture('pc-pam').steps, { vcpus: 2, program });
    expect(verification.violations).toBeGreaterThan(0);
    expect(verification.examples.length).toBeGreaterThan(0);
  });

  test('if devices answer for another offset', async () => {
    const probeModule = new URL('./lying-device.ts', import.meta.url);
    const { verification } = await replay(capture('pc-smram').steps.slice(0, 2), { vcpus: 1, probeModule });
    expect(verification.violations).toBeGreaterThan(0);
    expect(verification.examples.map(({ diagnosis }) => diagnosis).join()).toMatch(/wrong offset/);
  });
});

test('a vCPU that fails ends the replay, and no thread stays', async () => {
  const program = new URL('./failing-program.ts', import.meta.url);
  const failing = replay(capture('pc-pam').steps, { vcpus: 1, program });
  await expect(failing).rejects.toThrow(/vCPU 0 failed: RangeError: the program lost its way/);
});
