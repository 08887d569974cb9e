/** The example on real threads: counters, text, moves and exit codes exact for 1, 2 and 4 harts. */
import { describe, expect, test } from 'vitest';
import type { GuestHost } from '../../examples/smp-counter/guest-port.ts';
import { GUEST_SOURCE } from '../../examples/smp-counter/guest-source.ts';
import { faultsOf, runGuest } from '../../examples/smp-counter/smp-machine.ts';
import type { Vcpu } from '../../src/vcpu-program.ts';

describe.each([1, 2, 4])('%i harts on threads', (harts) => {
  test.each([
    ['an even number of moves', 6, 500],
    ['an odd number of moves, long waits for the lock', 7, 3000],
    ['many moves, short waits', 41, 5],
  ])('%s', async (_, lines, additions) => {
    const settings = { harts, lines, additions };
    const run = await runGuest(settings, { machine: { checked: true } });
    expect(faultsOf(settings, run)).toEqual([]);
    expect(run.reports.map(({ hart }) => hart)).toEqual(Array.from({ length: harts }, (_, hart) => hart));
  });
});

test('a run that is not exact is not taken for one that is', async () => {
  const settings = { harts: 1, lines: 1, additions: 1 };
  const run = await runGuest(settings);
  expect(faultsOf(settings, { ...run, byAmo: 2, underLock: 0, uartMoves: 0, exitCodes: [] })).toEqual([
    'counter by AMO: 2 instead of 1',
    'counter under the lock: 0 instead of 1',
    'moves of the UART: 0 instead of 1',
    'exit code of hart 0: undefined instead of 21845',
  ]);
});

test('a fault of one hart ends the run and says hart, address and pc, while the others sleep', async () => {
  const source = GUEST_SOURCE.replace(
    'start:\n',
    'start:\n csrr a0, mhartid\n beqz a0, good\n lw a0, (zero)\ngood:\n',
  );
  await expect(runGuest({ harts: 2, lines: 1, additions: 1 }, { source })).rejects.toThrow(
    'GuestFault: hart 1: load access fault at address 0x00000000 (pc 0x80000008)',
  );
});

test("the vCPU's own type is what the interpreter asks for", () => {
  const asHost = (vcpu: Vcpu): GuestHost => vcpu; // checked by the compiler
  expect(asHost).toBeTypeOf('function');
});
