/**
 * A machine for the smp-counter example in one thread: the example's own harts and devices, with a stand-in for
 * the memory port and the host. Harts take turns by a seeded schedule, so every run can be repeated.
 *
 * It is as strict as the real thing where it matters: a hart goes on using the map that it saw at its last
 * checkpoint, except after its own store to the BAR, and an access outside of every region fails.
 */

import createDoorbell, { newDoorbellState } from '../../examples/smp-counter/doorbell.ts';
import type { GuestPort } from '../../examples/smp-counter/guest-port.ts';
import { Hart } from '../../examples/smp-counter/hart.ts';
import * as map from '../../examples/smp-counter/machine-map.ts';
import createUart, { newUartState, UartReader } from '../../examples/smp-counter/uart.ts';
import type { DeviceCallbacks } from '../../src/base/device-binding.ts';
import { MEMTX_DECODE_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { noMemory } from '../support/no-memory.ts';

const INSTRUCTIONS_PER_CHECKPOINT = 1024;
const SLICE_MAX = 60;
/** Far above what any of the guests needs; a hart that never ends is a failure, not a hang. */
const INSTRUCTIONS_MAX = 5_000_000;

/** Numbers below 2^32, the same for the same seed (mulberry32). */
export function randomFromSeed(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

type HartState = 'running' | 'asleep' | 'stopped';

interface Seat {
  readonly hart: Hart;
  readonly port: FakePort;
  state: HartState;
  interrupted: boolean;
  sinceCheckpoint: number;
}

export class FakeMachine {
  readonly ram = new DataView(new SharedArrayBuffer(map.RAM_SIZE));
  readonly exitCodes: number[] = [];
  /** Where the UART is; each port has the value of its own last checkpoint. */
  uartBase: number = map.UART_FIRST_BASE;
  uartMoves = 0;
  readonly seats: Seat[] = [];
  private readonly uartState = newUartState();
  private readonly doorbellState = newDoorbellState();

  constructor(harts: number, words: Int32Array) {
    for (const [index, word] of words.entries()) this.ram.setInt32(4 * index, word, true);
    for (let id = 0; id < harts; id++) {
      const port = new FakePort(this, id);
      const hart = new Hart(id, port, map.RAM_BASE);
      this.seats.push({ hart, port, state: 'running', interrupted: false, sinceCheckpoint: 0 });
    }
  }

  /** The text so far; once. */
  takeText(): string {
    return new UartReader(this.uartState).take();
  }

  wordAt(address: number): number {
    return this.ram.getInt32(address - map.RAM_BASE, true);
  }

  interrupt(hart: number): void {
    const seat = this.seats[hart]!;
    if (seat.state === 'asleep') this.checkpoint(seat);
    else seat.interrupted = true;
  }

  /** Lets the harts take turns until all have stopped. */
  run(seed: number): void {
    const random = randomFromSeed(seed);
    for (let spent = 0; spent < INSTRUCTIONS_MAX; spent += SLICE_MAX) {
      const runnable = this.seats.filter((seat) => seat.state === 'running');
      if (runnable.length === 0) break;
      this.runSlice(runnable[random() % runnable.length]!, 1 + (random() % SLICE_MAX));
    }
    const states = this.seats.map((seat) => seat.state);
    if (states.some((state) => state !== 'stopped'))
      throw new Error(`harts did not end: ${states} (seed ${seed})`);
  }

  devicesOf(hart: number): ReadonlyMap<number, DeviceCallbacks> {
    const context = {
      ...{ data: null, vcpu: hart, memory: noMemory },
      interrupt: (target: number) => this.interrupt(target),
    };
    const none: DeviceCallbacks = { read: () => 0, write: () => undefined };
    return new Map([
      [map.UART_FIRST_BASE, createUart({ ...context, regionName: 'uart', state: this.uartState })],
      [map.DOORBELL_BASE, createDoorbell({ ...context, regionName: 'doorbell', state: this.doorbellState })],
      [map.BAR_BASE, { ...none, write: (_, value) => this.moveUart(hart, value) }],
      [map.FINISHER_BASE, { ...none, write: (offset, value) => this.finish(offset >> 2, value) }],
    ]);
  }

  private moveUart(hart: number, base: number): void {
    this.uartBase = base >>> 0;
    this.uartMoves++;
    this.seats[hart]!.port.uartBase = this.uartBase;
  }

  private finish(hart: number, code: number): void {
    this.exitCodes[hart] = code;
    this.seats[hart]!.state = 'stopped';
  }

  private runSlice(seat: Seat, limit: number): void {
    const before = seat.hart.retired;
    const pause = seat.hart.run(limit);
    if (seat.state === 'stopped') return;
    seat.sinceCheckpoint += seat.hart.retired - before;
    if (pause === 'sleep' && !seat.interrupted) seat.state = 'asleep';
    else if (pause !== 'slice' || seat.sinceCheckpoint >= INSTRUCTIONS_PER_CHECKPOINT) this.checkpoint(seat);
    if (pause === 'sleep') seat.interrupted = false;
  }

  private checkpoint(seat: Seat): void {
    seat.state = 'running';
    seat.sinceCheckpoint = 0;
    seat.port.uartBase = this.uartBase;
  }
}

/** One hart's port: RAM, the four devices, and this hart's idea of where the UART is. */
export class FakePort implements GuestPort {
  result = MEMTX_OK;
  uartBase: number = map.UART_FIRST_BASE;
  private readonly ram: DataView;
  private readonly devices: ReadonlyMap<number, DeviceCallbacks>;

  constructor(machine: FakeMachine, hart: number) {
    this.ram = machine.ram;
    this.devices = machine.devicesOf(hart);
  }

  load8(hi: number, lo: number): number {
    return this.load(hi, lo, 1);
  }
  load16(hi: number, lo: number): number {
    return this.load(hi, lo, 2);
  }
  load32(hi: number, lo: number): number {
    return this.load(hi, lo, 4);
  }
  store8(hi: number, lo: number, value: number): void {
    this.store(hi, lo, 1, value);
  }
  store16(hi: number, lo: number, value: number): void {
    this.store(hi, lo, 2, value);
  }
  store32(hi: number, lo: number, value: number): void {
    this.store(hi, lo, 4, value);
  }
  atomicAdd32(hi: number, lo: number, value: number): number {
    return this.modify(hi, lo, (old) => old + value);
  }
  atomicAnd32(hi: number, lo: number, value: number): number {
    return this.modify(hi, lo, (old) => old & value);
  }
  atomicOr32(hi: number, lo: number, value: number): number {
    return this.modify(hi, lo, (old) => old | value);
  }
  atomicXor32(hi: number, lo: number, value: number): number {
    return this.modify(hi, lo, (old) => old ^ value);
  }
  atomicSwap32(hi: number, lo: number, value: number): number {
    return this.modify(hi, lo, () => value);
  }
  atomicCompareExchange32(hi: number, lo: number, expected: number, replacement: number): number {
    return this.modify(hi, lo, (old) => (old === expected ? replacement : old));
  }

  /** Offset in RAM, or -1. */
  private ramOffset(hi: number, lo: number, size: number): number {
    const offset = (lo >>> 0) - map.RAM_BASE;
    this.result = MEMTX_OK;
    return hi === 0 && offset >= 0 && offset + size <= map.RAM_SIZE ? offset : -1;
  }

  private deviceAt(hi: number, lo: number): readonly [device: DeviceCallbacks | undefined, offset: number] {
    const address = lo >>> 0;
    const inUart = address >= this.uartBase && address < this.uartBase + map.UART_SIZE;
    const offset = inUart ? address - this.uartBase : address & (map.BAR_SIZE - 1);
    const base = address - offset;
    const device = inUart ? map.UART_FIRST_BASE : base === map.UART_FIRST_BASE ? -1 : base;
    const found = hi === 0 ? this.devices.get(device) : undefined;
    if (found === undefined) this.result = MEMTX_DECODE_ERROR;
    return [found, offset];
  }

  private load(hi: number, lo: number, size: 1 | 2 | 4): number {
    const offset = this.ramOffset(hi, lo, size);
    if (offset < 0) {
      const [device, register] = this.deviceAt(hi, lo);
      return device?.read(register, size) ?? 0;
    }
    if (size === 4) return this.ram.getInt32(offset, true);
    return size === 2 ? this.ram.getUint16(offset, true) : this.ram.getUint8(offset);
  }

  private store(hi: number, lo: number, size: 1 | 2 | 4, value: number): void {
    const offset = this.ramOffset(hi, lo, size);
    if (offset < 0) {
      const [device, register] = this.deviceAt(hi, lo);
      device?.write(register, size === 4 ? value >>> 0 : value, size);
    } else if (size === 4) this.ram.setInt32(offset, value, true);
    else if (size === 2) this.ram.setUint16(offset, value, true);
    else this.ram.setUint8(offset, value);
  }

  private modify(hi: number, lo: number, change: (old: number) => number): number {
    const offset = this.ramOffset(hi, lo, 4);
    if (offset < 0) {
      this.result = MEMTX_DECODE_ERROR;
      return 0;
    }
    const old = this.ram.getInt32(offset, true);
    this.ram.setInt32(offset, change(old) | 0, true);
    return old;
  }
}
