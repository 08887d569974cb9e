/**
 * The memory port against a byte-array model (test/support/port-model.ts) over random machines: loads,
 * stores and bulk copies at random addresses and borders, with layout changes and checkpoints in between.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { controlDevice, type DeviceBinding } from '../../src/base/device-binding.ts';
import { MemoryError } from '../../src/base/errors.ts';
import type { MemoryRegion } from '../../src/model/memory-region.ts';
import { buildLayout } from '../../src/qemu/layout-file.ts';
import { checkLayout } from '../../src/qemu/layout-graph.ts';
import type { LayoutState, RegionRecord } from '../../src/qemu/region-record.ts';
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import { BenchMachine, ByteRegisters } from '../support/bench-machine.ts';
import { PortModel } from '../support/port-model.ts';
import { randomLayout, SPAN } from '../support/random-tree.ts';

const TOP = 1n << 64n;
const BYTES = 2n * SPAN;

/** Stretches a layout, so that its borders lie `scale` bytes apart and pages have whole sections. */
function stretched(layout: LayoutState, scale: bigint): LayoutState {
  const stretch = (at: bigint): bigint => (at > TOP / 2n ? TOP - (TOP - at) * scale : at * scale);
  const isRam = ({ kind }: RegionRecord): boolean => kind === 'ram' || kind === 'rom-device';
  const records = [...layout.records].map(([id, record]): [string, RegionRecord] => [
    id,
    {
      ...record,
      size: isRam(record) && record.size > SPAN ? SPAN * scale : stretch(record.size),
      address: stretch(record.address),
      alias: record.alias && { ...record.alias, offset: stretch(record.alias.offset) },
      children: record.children.map((child) => ({ ...child, offset: stretch(child.offset) })),
    },
  ]);
  return checkLayout(layout.source, new Map(records), layout.addressSpaces);
}

/** Registers of each device, by the region's id in the layout; every fourth region has no callbacks. */
class Devices {
  readonly byId = new Map<string, ByteRegisters>();
  private readonly size: number;
  constructor(size: number) {
    this.size = size;
  }
  readonly bind = ({ id }: { readonly id: string }): DeviceBinding | null => {
    if (id.endsWith('3')) return null;
    const registers = new ByteRegisters(this.size);
    for (let i = 0; i < this.size; i += 1) registers.bytes[i] = i * 7 + id.length;
    this.byId.set(id, registers);
    return controlDevice(registers);
  };
}

type Change = (region: MemoryRegion, at: bigint) => void;
const changes: readonly Change[] = [
  (region) => region.setEnabled(!region.enabled),
  (region, at) => region.setAddress(at),
  (region) => region.setReadonly(!region.readonly),
  (region) => region.kind === 'rom-device' && region.setRomd(!region.romd),
  (region, at) => region.kind === 'alias' && region.setAliasOffset(at),
  (region, at) => region.setSize(at < BYTES ? at : 1n),
];

/** A machine, and beside it the same tree again, which the model walks and which changes at checkpoints. */
class Pair {
  readonly machine: BenchMachine;
  readonly ports: MemoryPort[];
  readonly models: PortModel[];
  private readonly built;
  private readonly twin;
  private readonly real: Devices;
  private readonly modelled: Devices;
  private readonly pending: (() => void)[] = [];

  constructor(layout: LayoutState, scale: bigint, ramBytes: number) {
    const bytes = Number(BYTES * scale);
    this.machine = new BenchMachine({ ramBytes });
    this.real = new Devices(bytes);
    this.modelled = new Devices(bytes);
    this.built = buildLayout(layout, this.real.bind);
    this.twin = buildLayout(layout, this.modelled.bind);
    this.ports = this.built.addressSpaces.map(({ name, root }) => this.machine.show(name, root).port);
    const idOf = new Map([...this.twin.regionsById].map(([id, region]) => [region, id]));
    const ram = new Map<MemoryRegion, Uint8Array>();
    const modelBytes = {
      ram: (region: MemoryRegion) => {
        const known = ram.get(region) ?? new Uint8Array(bytes);
        ram.set(region, known);
        return known;
      },
      registers: (region: MemoryRegion) => this.modelled.byId.get(idOf.get(region)!) ?? null,
    };
    this.models = this.twin.addressSpaces.map(({ root }) => new PortModel(() => root, modelBytes));
  }

  /** Changes the machine now and the model at the next checkpoint; a change that is refused, neither. */
  change(which: number, at: bigint, change: Change): void {
    const ids = [...this.built.regionsById.keys()];
    const id = ids[which % ids.length]!;
    if (id === 'r0') return; // the root stays
    try {
      change(this.built.regionsById.get(id)!, at);
    } catch (error) {
      if (!(error instanceof MemoryError)) throw error;
      return;
    }
    this.pending.push(() => change(this.twin.regionsById.get(id)!, at));
  }

  checkpoint(): void {
    this.machine.checkpoint();
    for (const apply of this.pending.splice(0)) apply();
  }

  expectSameDevices(): void {
    for (const [id, registers] of this.real.byId) {
      expect(Buffer.compare(registers.bytes, this.modelled.byId.get(id)!.bytes), `registers of ${id}`).toBe(
        0,
      );
    }
  }
}

interface Action {
  readonly kind: number;
  readonly step: bigint;
  readonly delta: number;
  readonly fromTop: boolean;
  readonly value: bigint;
  readonly space: number;
}
const action: fc.Arbitrary<Action> = fc.record({
  kind: fc.nat(23),
  step: fc.oneof(fc.bigInt({ min: 0n, max: 6n }), fc.bigInt({ min: 0n, max: SPAN })),
  delta: fc.oneof(fc.integer({ min: -9, max: 8 }), fc.constantFrom(0, 8, 16, 24, 28, 30, 31, -16, -8)),
  fromTop: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
  value: fc.bigInt({ min: 0n, max: TOP - 1n }),
  space: fc.nat(1),
});

const hi = (address: bigint): number => Number(BigInt.asIntN(32, address >> 32n));
const lo = (address: bigint): number => Number(BigInt.asIntN(32, address));

function load(port: MemoryPort, address: bigint, size: number): bigint {
  if (size === 8) return port.readBig(address);
  if (size === 4) return BigInt(port.load32(hi(address), lo(address)) >>> 0);
  return BigInt(size === 2 ? port.load16(hi(address), lo(address)) : port.load8(hi(address), lo(address)));
}
function store(port: MemoryPort, address: bigint, size: number, value: bigint): void {
  if (size === 8) port.store64(hi(address), lo(address), hi(value), lo(value));
  else if (size === 4) port.store32(hi(address), lo(address), lo(value));
  else if (size === 2) port.store16(hi(address), lo(address), lo(value));
  else port.store8(hi(address), lo(address), lo(value));
}

function perform(pair: Pair, { kind, step, delta, fromTop, value, space }: Action, scale: bigint): void {
  const address = BigInt.asUintN(64, (fromTop ? -1n - step * scale : step * scale) + BigInt(delta));
  const port = pair.ports[space]!;
  const model = pair.models[space]!;
  const size = 2 ** (kind % 4);
  const where = `${size} bytes at 0x${address.toString(16)} of space ${space}`;
  if (kind < 16) {
    // Three times, beside each other: the first fills the TLB, the others find what it left there.
    for (const beside of [0n, 8n, 0n]) {
      const at = BigInt.asUintN(64, address + beside);
      if (kind < 8) {
        const seen = load(port, at, size);
        expect([seen, port.result, where]).toEqual([model.load(at, size), model.result, where]);
      } else {
        store(port, at, size, value + beside);
        model.store(at, size, value + beside);
        expect([port.result, where]).toEqual([model.result, where]);
      }
    }
  } else if (kind === 16) {
    const [seen, expected] = [new Uint8Array(200).fill(1), new Uint8Array(200).fill(2)];
    port.readBytes(address, seen);
    model.readBytes(address, expected);
    expect([[...seen], port.result, where]).toEqual([[...expected], model.result, where]);
  } else if (kind === 17) {
    const from = Uint8Array.from({ length: 100 }, (_, i) => Number(value & 255n) + i);
    port.writeBytes(address, from);
    model.writeBytes(address, from);
    expect([port.result, where]).toEqual([model.result, where]);
  } else if (kind === 18) pair.checkpoint();
  else pair.change(Number(value & 0xffffn), BigInt.asUintN(64, step * scale), changes[Number(value % 6n)]!);
}

/** Reads all of the first bytes of both address spaces, and their last. */
function readAll(pair: Pair): void {
  pair.ports.forEach((port, space) => {
    for (const address of [0n, TOP - 100n]) {
      const [seen, expected] = [new Uint8Array(200), new Uint8Array(200)];
      port.readBytes(address, seen);
      pair.models[space]!.readBytes(address, expected);
      expect(Buffer.compare(seen, expected), `bytes at ${address} of space ${space}`).toBe(0);
    }
  });
}

describe('a port does what the byte-array model does', () => {
  test.each([
    ['borders 1 byte apart', 1n, 2 ** 20, 200],
    ['borders 16 bytes apart, RAM in buffers of its own', 16n, 8192, 100],
    ['borders 2 KiB apart', 2048n, 2 ** 23, 100],
    ['borders a page apart', 4096n, 2 ** 23, 150],
    ['borders a page apart, RAM in buffers of its own', 4096n, 2 ** 16, 60],
  ])('%s', (_what, scale, ramBytes, numRuns) => {
    const histories = fc.array(action, { minLength: 10, maxLength: 80 });
    fc.assert(
      fc.property(randomLayout(), histories, (layout, history) => {
        const pair = new Pair(stretched(layout, scale), scale, ramBytes);
        try {
          for (const each of history) perform(pair, each, scale);
          pair.checkpoint();
          readAll(pair);
          pair.expectSameDevices();
        } finally {
          pair.machine.close();
        }
      }),
      { numRuns, endOnFailure: false, interruptAfterTimeLimit: 20_000 },
    );
  });
});
