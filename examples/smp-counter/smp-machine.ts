/**
 * The example's machine: RAM, the four devices and a vCPU for each hart; runs the guest from reset to the end.
 * Guarantee: runGuest() resolves when every hart has written its exit code and its program has returned, and
 * rejects if one failed; either way no thread is left.
 */
import { controlDevice, localDevice, Machine, type MachineOptions, MemoryRegion } from '../../src/index.ts';
import { newDoorbellState } from './doorbell.ts';
import {
  assembleGuest,
  expectedCount,
  expectedUartBase,
  type GuestSettings,
  SHARED_WORDS,
  textFaults,
} from './guest.ts';
import { hex } from './guest-fault.ts';
import * as map from './machine-map.ts';
import type { HartReport } from './program.ts';
import { newUartState, UartReader } from './uart.ts';

/** The UART's ring is emptied this often, so that its size does not bound the text. */
const UART_POLL_MS = 5;

export interface GuestRun {
  /** What came out of the UART. */
  readonly text: string;
  /** The two shared counters, as they were left in RAM. */
  readonly byAmo: number;
  readonly underLock: number;
  /** Where the UART was in the end, and how often it was moved. */
  readonly uartBase: number;
  readonly uartMoves: number;
  /** By hart; undefined where a hart wrote none. */
  readonly exitCodes: readonly (number | undefined)[];
  readonly reports: readonly HartReport[];
}

export interface RunOptions {
  /** The guest's text, if it shall not be GUEST_SOURCE. */
  readonly source?: string;
  readonly machine?: MachineOptions;
}

export async function runGuest(settings: GuestSettings, options: RunOptions = {}): Promise<GuestRun> {
  const machine = new Machine(options.machine);
  const scene = buildScene(machine);
  const guest = assembleGuest(settings, options.source);
  machine.addAddressSpace('memory', scene.system);
  machine.writeRam(scene.ram, 0, new Uint8Array(guest.words.buffer));

  const reader = new UartReader(scene.uartState);
  let text = '';
  const poll = setInterval(() => {
    text += reader.take();
  }, UART_POLL_MS);
  try {
    const program = new URL('./program.ts', import.meta.url);
    const harts = Array.from({ length: settings.harts }, () => machine.startVcpu({ program }));
    const reports = (await Promise.all(harts.map((hart) => hart.finished))) as HartReport[];
    text += reader.take();
    const shared = guest.labels.get('shared')! - map.RAM_BASE;
    const wordAt = (offset: number): number =>
      new DataView(machine.readRam(scene.ram, shared + offset, 4).buffer).getInt32(0, true);
    return {
      text,
      byAmo: wordAt(SHARED_WORDS.BY_AMO),
      underLock: wordAt(SHARED_WORDS.UNDER_LOCK),
      uartBase: Number(scene.uart.address),
      uartMoves: scene.moves(),
      exitCodes: scene.exitCodes,
      reports,
    };
  } finally {
    clearInterval(poll);
    await machine.close();
  }
}

function buildScene(machine: Machine) {
  const uartState = newUartState();
  const exitCodes: number[] = [];
  let moves = 0;
  const system = MemoryRegion.container('system', 1n << 32n);
  const ram = MemoryRegion.ram('ram', map.RAM_SIZE);
  // The default lock makes the UART's instances in the vCPU threads one device.
  const uart = MemoryRegion.io(
    'uart',
    map.UART_SIZE,
    localDevice(new URL('./uart.ts', import.meta.url), { state: uartState }),
  );
  const doorbell = MemoryRegion.io(
    'doorbell',
    map.DOORBELL_SIZE,
    localDevice(new URL('./doorbell.ts', import.meta.url), { state: newDoorbellState(), lock: 'none' }),
  );
  const bar = MemoryRegion.io(
    'bar',
    map.BAR_SIZE,
    controlDevice({
      read: () => Number(uart.address),
      write(_offset, value) {
        moves++;
        uart.setAddress(BigInt(value)); // a transaction, published before the guest's store returns
      },
    }),
  );
  const finisher = MemoryRegion.io(
    'finisher',
    map.FINISHER_SIZE,
    controlDevice({
      read: () => 0,
      write(offset, value) {
        const hart = offset >> 2;
        exitCodes[hart] = value;
        void machine.vcpus.find((vcpu) => vcpu.id === hart)?.stop();
      },
    }),
  );
  system.addSubregion(map.RAM_BASE, ram);
  system.addSubregion(map.UART_FIRST_BASE, uart);
  system.addSubregion(map.DOORBELL_BASE, doorbell);
  system.addSubregion(map.BAR_BASE, bar);
  system.addSubregion(map.FINISHER_BASE, finisher);
  return { system, ram, uart, uartState, exitCodes, moves: () => moves };
}

/** What in `run` is not as it must be, a sentence each; empty if everything is exact. */
export function faultsOf(settings: GuestSettings, run: GuestRun): string[] {
  const faults: string[] = [];
  const check = (what: string, found: unknown, expected: unknown): void => {
    if (found !== expected) faults.push(`${what}: ${found} instead of ${expected}`);
  };
  check('counter by AMO', run.byAmo, expectedCount(settings));
  check('counter under the lock', run.underLock, expectedCount(settings));
  check('moves of the UART', run.uartMoves, settings.lines);
  check('last place of the UART', hex(run.uartBase), hex(expectedUartBase(settings)));
  for (let hart = 0; hart < settings.harts; hart++) {
    check(`exit code of hart ${hart}`, run.exitCodes[hart], map.FINISHER_PASS);
  }
  return [...faults, ...textFaults(settings, run.text)];
}
