/** What a machine can be made with, and the bounds of each. */
import { describeValue, functionFromArgument, optionsFromArgument } from '../base/arguments.ts';
import { MemoryError } from '../base/errors.ts';
import type { StallReport } from '../grace/writer.ts';
import { BOUNCE_BYTES_DEFAULT, VCPU_COUNT_MAX } from '../layout/control-block.ts';
import { CELL_BYTES } from '../layout/map-entry.ts';
import { booleanFromArgument } from '../model/arguments.ts';
import type { ListenerReport } from '../publish/memory-listener.ts';
import { RAM_BUFFER_BYTES_MAX } from '../publish/ram-store.ts';
import type { DeviceReport } from '../vcpu/failure-reports.ts';
import type { DeviceHostDeath } from './device-hosts.ts';

export interface MachineOptions {
  /** Buffer that RAM blocks are carved from; 1 GiB by default. Untouched pages of it cost nothing. */
  readonly ramReserveBytes?: number;
  /** Buffer of the published maps; 256 MiB by default. Untouched pages of it cost nothing. */
  readonly arenaBytes?: number;
  /** Retired bytes past which a transaction is refused with BACK_PRESSURE; a quarter of the arena by default. */
  readonly garbageBytesMax?: number;
  /** vCPUs at a time, 1 to 256; 64 by default. */
  readonly vcpuSlots?: number;
  /** Bytes of bounce buffers that an address space may have at a time, over all threads; 4096 by default. */
  readonly bounceBytesMax?: number;
  /** Sends each access to a device on the diagnostics channel flatview:region-access of its thread. */
  readonly traceAccesses?: boolean;
  /** What `native` means in the access rules of devices; `little` by default. */
  readonly guestEndianness?: 'little' | 'big';
  /** Fills reclaimed cells with poison, so that a use after reclaim is loud. For tests and stress runs. */
  readonly checked?: boolean;
  /** `piscina` (default): vCPUs run in a warm pool. `threads`: a plain Worker for each. */
  readonly vcpuHost?: 'piscina' | 'threads';
  /** Milliseconds until a vCPU that passes no checkpoint is reported; 100 by default. */
  readonly stallMs?: number;
  /**
   * Milliseconds that an access from the control thread waits for a device lock, or for a device worker, before
   * it fails with MEMTX_ERROR; 5000 by default.
   */
  readonly patienceMs?: number;
  /** Milliseconds that a grace period waits for a vCPU before it is kicked (Vcpu.isKicked); 5 by default. */
  readonly kickMs?: number;
  /** A live vCPU holds up a grace period. By default a process warning. */
  readonly onStall?: (report: StallReport) => void;
  /** A device threw or answered garbage; the access got MEMTX_ERROR. By default a process warning. */
  readonly onDeviceReport?: (report: DeviceReport) => void;
  /** A device worker ended by itself. By default a process warning. */
  readonly onDeviceHostDeath?: (death: DeviceHostDeath) => void;
  /** A callback of a listener threw; the commit stands. By default a process warning. */
  readonly onListenerError?: (report: ListenerReport) => void;
  /** Milliseconds from retirement to reclamation of each retired view, and the generation that replaced it. */
  readonly onReclaimed?: (graceMs: number, generation: number) => void;
}

export type FullMachineOptions = Required<MachineOptions>;

const KIB = 1024;
const ARENA_BYTES_MIN = 64 * KIB;

/** Fills in the defaults. @throws MemoryError INVALID_ARGUMENT, with the option's name and its bounds */
export function fullMachineOptions(options: MachineOptions): FullMachineOptions {
  optionsFromArgument('a machine', options);
  const arenaBytes = bounded(
    'arenaBytes',
    options.arenaBytes ?? 256 * KIB * KIB,
    ARENA_BYTES_MIN,
    2 ** 32,
    CELL_BYTES,
  );
  return {
    ramReserveBytes: bounded(
      'ramReserveBytes',
      options.ramReserveBytes ?? KIB ** 3,
      4 * KIB,
      RAM_BUFFER_BYTES_MAX,
      4 * KIB,
    ),
    arenaBytes,
    garbageBytesMax: bounded('garbageBytesMax', options.garbageBytesMax ?? arenaBytes / 4, 0, arenaBytes, 1),
    bounceBytesMax: bounded(
      'bounceBytesMax',
      options.bounceBytesMax ?? BOUNCE_BYTES_DEFAULT,
      0,
      2 ** 31 - 1,
      1,
    ),
    vcpuSlots: bounded('vcpuSlots', options.vcpuSlots ?? 64, 1, VCPU_COUNT_MAX, 1),
    stallMs: bounded('stallMs', options.stallMs ?? 100, 1, 2 ** 31 - 1, 1),
    kickMs: bounded('kickMs', options.kickMs ?? 5, 1, 2 ** 31 - 1, 1),
    patienceMs: bounded('patienceMs', options.patienceMs ?? 5000, 1, 2 ** 31 - 1, 1),
    guestEndianness: oneOf('guestEndianness', options.guestEndianness ?? 'little', ['little', 'big']),
    checked: flag('checked', options.checked ?? false),
    traceAccesses: flag('traceAccesses', options.traceAccesses ?? false),
    vcpuHost: oneOf('vcpuHost', options.vcpuHost ?? 'piscina', ['piscina', 'threads']),
    onStall: called('onStall', options.onStall ?? warnOfStall),
    onDeviceReport: called('onDeviceReport', options.onDeviceReport ?? warnOfDevice),
    onDeviceHostDeath: called('onDeviceHostDeath', options.onDeviceHostDeath ?? warnOfHostDeath),
    onListenerError: called('onListenerError', options.onListenerError ?? warnOfListener),
    onReclaimed: called('onReclaimed', options.onReclaimed ?? (() => {})),
  };
}

const flag = (name: string, value: boolean): boolean =>
  booleanFromArgument('a machine', `option ${name}`, value);

const called = <T>(name: string, value: T): T => functionFromArgument('a machine', `option ${name}`, value);

function oneOf<T extends string>(name: string, value: T, choices: readonly T[]): T {
  if (choices.includes(value)) return value;
  const listed = choices.map((choice) => `'${choice}'`).join(' or ');
  throw new MemoryError(
    'INVALID_ARGUMENT',
    `machine option ${name} must be ${listed}, not ${describeValue(value)}`,
  );
}

function bounded(name: string, value: number, min: number, max: number, multiple: number): number {
  if (Number.isInteger(value) && value >= min && value <= max && value % multiple === 0) return value;
  const step = multiple === 1 ? 'a whole number' : `a multiple of ${multiple}`;
  throw new MemoryError(
    'INVALID_ARGUMENT',
    `machine option ${name} must be ${step} from ${min} to ${max}, not ${describeValue(value)}`,
  );
}

const warn = (message: string): void => process.emitWarning(message, 'FlatviewWarning');

function warnOfStall(stall: StallReport): void {
  warn(
    `vCPU ${stall.slot} has passed no checkpoint for ${Math.round(stall.ageMs)} ms: ` +
      `${stall.generationsBehind} generations behind, ${stall.heldBytes} bytes wait for it`,
  );
}

function warnOfDevice(report: DeviceReport): void {
  const access = `${report.isWrite ? 'write' : 'read'} of ${report.size} bytes at offset 0x${report.offset.toString(16)}`;
  warn(
    `device '${report.regionName}', ${access} by vCPU ${report.vcpu}: ${report.problem} (failure ${report.count})`,
  );
}

function warnOfHostDeath(death: DeviceHostDeath): void {
  const why = death.error?.message ?? `exit code ${death.exitCode}`;
  warn(`device host ${death.host} has ended (${why}); accesses to its devices give MEMTX_ERROR`);
}

function warnOfListener({ listener, callback, section, error }: ListenerReport): void {
  const place =
    section === null
      ? ''
      : ` for region '${section.region.name}' at 0x${section.offsetWithinAddressSpace.toString(16)}` +
        ` of address space '${section.addressSpace.name}'`;
  warn(
    `listener '${listener.name}' threw in ${callback}${place}: ${error instanceof Error ? error : describeValue(error)}`,
  );
}
