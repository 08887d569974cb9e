/** The guest on a machine of one thread: right for every seed, and wrong as soon as one of its rules is dropped. */
import { describe, expect, test } from 'vitest';
import {
  assembleGuest,
  expectedCount,
  expectedLines,
  expectedUartBase,
  type GuestSettings,
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
  const lines = machine.takeText().split('\n').slice(0, -1);
  return lines.sort().join() === expectedLines(settings).sort().join() ? null : 'wrong text';
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
    const lines = machine.takeText().split('\n');
    expect(lines.pop()).toBe('');
    expect([...lines].sort()).toEqual(expectedLines(settings).sort());
    expect([shared(4), shared(8)]).toEqual([expectedCount(settings), expectedCount(settings)]);
    expect(machine.exitCodes).toEqual(Array(harts).fill(FINISHER_PASS));
    expect(machine.uartMoves).toBe(settings.lines);
    expect(machine.uartBase).toBe(expectedUartBase(settings));
  });
});

test('the lines of one hart keep their order', () => {
  const settings = settingsFor(4);
  const { machine } = machineFor(settings);
  machine.run(1);
  const lines = machine.takeText().split('\n').slice(0, -1);
  for (let hart = 0; hart < 4; hart++) {
    const ofHart = (line: string): boolean => line.startsWith(`hart ${hart}:`);
    expect(lines.filter(ofHart)).toEqual(expectedLines(settings).filter(ofHart));
  }
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
