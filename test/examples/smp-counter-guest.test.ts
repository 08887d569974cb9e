/** The guest on a machine of one thread: right for every seed, and wrong as soon as one of its rules is dropped. */
import { describe, expect, test } from 'vitest';
import {
  assembleGuest,
  expectedCount,
  expectedUartBase,
  type GuestSettings,
  SHARED_WORDS,
  textFaults,
} from '../../examples/smp-counter/guest.ts';
import { GUEST_SOURCE } from '../../examples/smp-counter/guest-source.ts';
import { FINISHER_PASS } from '../../examples/smp-counter/machine-map.ts';
import program from '../../examples/smp-counter/program.ts';
import { FakeMachine } from './smp-counter-fake.ts';

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

const settingsFor = (harts: number): GuestSettings => ({ harts, lines: 7, additions: 12 });

function machineFor(settings: GuestSettings, source = GUEST_SOURCE) {
  const guest = assembleGuest(settings, source);
  const machine = new FakeMachine(settings.harts, guest.words);
  const shared = (offset: number): number => machine.wordAt(guest.labels.get('shared')! + offset);
  return { machine, shared };
}

/** What went wrong with `source`: a fault's message, or the two counters where they are not exact. */
function failureOf(settings: GuestSettings, source: string, seed: number): string | null {
  const { machine } = machineFor(settings, source);
  try {
    machine.run(seed);
  } catch (error) {
    return (error as Error).message;
  }
  return textFaults(settings, machine.takeText())[0] ?? null;
}

function without(text: string, replacement = ''): string {
  if (!GUEST_SOURCE.includes(text)) throw new Error(`the guest has no "${text}" to be dropped`);
  return GUEST_SOURCE.replace(text, replacement);
}

describe.each([1, 2, 4, 16])('%i harts', (harts) => {
  test.each(SEEDS)('text, counters and exit codes are exact, seed %i', (seed) => {
    const settings = settingsFor(harts);
    const { machine, shared } = machineFor(settings);
    machine.run(seed);
    expect(textFaults(settings, machine.takeText())).toEqual([]);
    expect([shared(SHARED_WORDS.BY_AMO), shared(SHARED_WORDS.UNDER_LOCK)]).toEqual([
      expectedCount(settings),
      expectedCount(settings),
    ]);
    expect(machine.exitCodes).toEqual(Array(harts).fill(FINISHER_PASS));
    expect(machine.uartMoves).toBe(settings.lines);
    expect(machine.uartBase).toBe(expectedUartBase(settings));
  });
});

test('the text of one hart is the expected one, letter for letter', () => {
  const settings = { harts: 1, lines: 2, additions: 3 };
  const { machine } = machineFor(settings);
  machine.run(1);
  expect(machine.takeText()).toBe(
    [
      'hart 0: line 0',
      'hart 0: line 1',
      'hart 0: awake, UART at 0x10000000',
      'hart 0: counted 6 by AMO, 6 under the lock',
      '',
    ].join('\n'),
  );
});

describe('the check of the text finds', () => {
  const settings = settingsFor(2);
  const { machine } = machineFor(settings);
  machine.run(1);
  const text = machine.takeText();
  const lines = text.split('\n');
  const swapped = (one: number, other: number): string =>
    lines.with(one, lines.at(other)!).with(other, lines.at(one)!).join('\n');
  test.each([
    ['nothing in the text as it is', text, undefined],
    ['a lost letter', text.replace('1: line 3', '1: lin 3'), 'hart 1 printed'],
    ['a lost line', text.replace('hart 1: line 3\n', ''), 'hart 1 printed'],
    ['a line of nobody', `hart 2: line 0\n${text}`, '18 lines instead of 17'],
    ['an end without a newline', text.slice(0, -1), 'the last line does not end'],
    ['part 2 before the end of part 1', swapped(13, 14), 'part 2 began'],
    ['the count before another hart is awake', swapped(-2, -3), 'the count is not the last'],
  ])('%s', (_, faulty, fault) => {
    const found = textFaults(settings, faulty);
    if (fault === undefined) expect(found).toEqual([]);
    else expect(found.join()).toContain(fault);
  });
});

describe('the rules are needed: without one of them some schedule fails', () => {
  const failures = (source: string): string[] =>
    SEEDS.map((seed) => failureOf(settingsFor(4), source, seed)).filter((failure) => failure !== null);

  test('the guest as it is never fails', () => expect(failures(GUEST_SOURCE)).toEqual([]));

  test('no FENCE after the lock: a hart uses a map from before the move', () => {
    const found = failures(without('bnez  t1, try_lock\n    fence', 'bnez  t1, try_lock'));
    expect(found.join()).toMatch(/load access fault at address 0x[14]0000005/);
  });

  test('a conditional store that does not care about its success: lines and counts are lost', () => {
    expect(failures(without('bnez  t1, try_lock\n    fence', 'fence'))).not.toEqual([]);
  });

  test('a move without the lock: somebody is within a line', () => {
    const early = without('bnez  s0, line_done\n', 'call  drop_lock\n    bnez  s0, line_done\n');
    const moved = early.replace('line_done:\n    call  drop_lock', 'line_done:');
    expect(failures(moved)).not.toEqual([]);
  });

  test('a WFI without a second look: a ring before the WFI is taken for the one that counts', () => {
    const once = without('call  sleep\n    j     look_again', 'call  sleep');
    expect(failures(once)).not.toEqual([]);
  });
});

test('the vCPU program runs its hart until the host says stop', () => {
  const { machine } = machineFor(settingsFor(1));
  const { port, hart } = machine.seats[0]!;
  let checkpoints = 0;
  const checkpoint = (): boolean => {
    checkpoints++;
    port.uartBase = machine.uartBase;
    return machine.exitCodes.length === 0;
  };
  const report = program({ id: hart.id, memory: port, checkpoint, waitForInterrupt: checkpoint });
  expect(report.hart).toBe(0);
  expect(report.retired).toBeGreaterThan(1000);
  expect(checkpoints).toBeGreaterThanOrEqual(Math.floor(report.retired / 1024));
});
