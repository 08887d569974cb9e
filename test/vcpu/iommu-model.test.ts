/**
 * Random mappings, in chains, with permissions and indexes, against the byte-by-byte model: every access through
 * a port gives what the model gives, however it straddles mappings.
 */
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { memTxAttrs } from '../../src/base/mem-tx-attrs.ts';
import type { AddressSpace } from '../../src/model/address-space.ts';
import { IommuTable } from '../../src/model/iommu-table.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import { BenchMachine } from '../support/bench-machine.ts';
import { codeOf } from '../support/code-of.ts';
import { IommuModel, type ModelSpace } from '../support/iommu-model.ts';

const GRANULES = 8;
const INDEXES = 2;
/** One pid more than there are indexes: its accesses find nothing mapped. */
const PIDS = INDEXES + 1;

interface Action {
  readonly kind: 'map' | 'unmap' | 'load' | 'store' | 'readBytes' | 'writeBytes' | 'pid';
  readonly far: boolean;
  readonly at: number;
  /** At the start of `granule`, where a TLB finds it again, instead of `at`. */
  readonly aligned: boolean;
  readonly granule: number;
  readonly index: number;
  readonly size: number;
  readonly target: number;
  readonly space: number;
  readonly permission: 'read' | 'write' | 'read-write';
}

const action: fc.Arbitrary<Action> = fc.record({
  kind: fc.constantFrom(
    'map',
    'map',
    'unmap',
    'unmap',
    'load',
    'load',
    'load',
    'store',
    'store',
    'readBytes',
    'writeBytes',
    'pid',
  ),
  far: fc.boolean(),
  at: fc.nat(10_000),
  aligned: fc.integer({ min: 0, max: 3 }).map((number) => number > 0),
  granule: fc.nat(GRANULES - 1),
  index: fc.nat(PIDS - 1),
  size: fc.nat(3),
  target: fc.nat(GRANULES - 1),
  space: fc.nat(2),
  permission: fc.constantFrom('read', 'write', 'read-write', 'read-write'),
});

/** Spaces `memory`, `bus` with an IOMMU at an odd place, `far` with one that leads anywhere; each with its twin. */
class Twins {
  readonly machine = new BenchMachine();
  readonly model = new IommuModel();
  readonly granule: number;
  readonly busBase: number;
  readonly spaces: AddressSpace[] = [];
  readonly ports: MemoryPort[] = [];
  readonly models: ModelSpace[] = [];
  readonly tables: IommuTable[] = [];
  private seed = 1;

  constructor(granule: number, busBase: number) {
    this.granule = granule;
    this.busBase = busBase;
    const memory = this.show('memory', []);
    this.addRam(memory, 0, 4 * granule);
    this.addRam(memory, 5 * granule, granule, true);
    this.addRam(memory, 6 * granule, 2 * granule);
    const bus = this.show('bus', [busBase]);
    this.addRam(bus, busBase + GRANULES * granule, 2 * granule);
    this.show('far', [0]);
    for (const which of [1, 2]) {
      for (let at = 0; at < GRANULES * INDEXES; at += 1) {
        const to = {
          target: (3 * at) % GRANULES,
          space: which === 1 ? 0 : at % 2,
          permission: 'read-write',
        } as const;
        this.map(which, at % INDEXES, at >> 1, 1, to);
      }
    }
  }

  run({ kind, far, at, aligned, granule, index, size, target, space, permission }: Action): void {
    const which = far ? 2 : 1;
    const count = 1 + size;
    const port = this.ports[which]!;
    const span = (GRANULES + 4) * this.granule;
    const address = aligned ? granule * this.granule + (far ? 0 : this.busBase) : at % span;
    if (kind === 'map') this.map(which, index % INDEXES, granule, count, { target, space, permission });
    else if (kind === 'unmap') this.unmap(which, index % INDEXES, granule, size === 3 ? count : 1);
    else if (kind === 'pid') {
      for (const one of this.ports) one.attrs = memTxAttrs({ pid: index });
      this.model.index = index;
    } else if (kind === 'load') this.load(port, which, address, 1 << size);
    else if (kind === 'store') this.store(port, which, address, 1 << size);
    else if (kind === 'readBytes') {
      const into = new Uint8Array((count * this.granule) / 2).fill(0xee);
      port.readBytes(address, into);
      expect([...into]).toEqual(this.model.read(this.models[which]!, address, into.length));
      expect(port.result).toBe(this.model.result);
    } else {
      const from = Uint8Array.from({ length: (count * this.granule) / 2 }, () => this.next());
      port.writeBytes(address, from);
      this.model.write(this.models[which]!, address, [...from], false);
      expect(port.result).toBe(this.model.result);
    }
  }

  /** All bytes of RAM, as the port to `memory` reads them. */
  expectSameMemory(): void {
    for (const [which, port] of this.ports.entries()) {
      for (const { start, bytes } of this.models[which]!.ram) {
        const into = new Uint8Array(bytes.length);
        port.readBytes(start, into);
        expect([...into]).toEqual([...bytes]);
      }
    }
  }

  private load(port: MemoryPort, which: number, address: number, size: number): void {
    const bytes = this.model.read(this.models[which]!, address, size);
    const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    const read = size === 8 ? port.readBig(address) : BigInt(port.read(address, size as 1 | 2 | 4));
    expect([read, port.result]).toEqual([value, this.model.result]);
  }

  private store(port: MemoryPort, which: number, address: number, size: number): void {
    const bytes = Array.from({ length: size }, () => this.next());
    const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    if (size === 8) port.writeBig(address, value);
    else port.write(address, size as 1 | 2 | 4, Number(value));
    this.model.write(this.models[which]!, address, bytes, true);
    expect(port.result).toBe(this.model.result);
  }

  private map(
    which: number,
    index: number,
    granule: number,
    count: number,
    to: Pick<Action, 'target' | 'space' | 'permission'>,
  ): void {
    const iommu = this.models[which]!.iommus[0]!;
    const mapped = iommu.mapped[index]!;
    const granules = Array.from({ length: count }, (_, i) => granule + i);
    const isFree = granules.every((each) => each < GRANULES && !mapped.has(each));
    const code = codeOf(() =>
      this.tables[which - 1]!.map({
        iova: granule * this.granule,
        size: count * this.granule,
        target: to.target * this.granule,
        space: this.spaces[to.space]!,
        permission: to.permission,
        index,
      }),
    );
    expect(code === undefined).toBe(isFree);
    if (!isFree) return;
    for (const [i, each] of granules.entries()) {
      const target = (to.target + i) * this.granule;
      mapped.set(each, { space: this.models[to.space]!, target, permission: to.permission });
    }
    this.machine.checkpoint();
  }

  private unmap(which: number, index: number, granule: number, count: number): void {
    const mapped = this.models[which]!.iommus[0]!.mapped[index]!;
    const granules = Array.from({ length: count }, (_, i) => granule + i);
    const isMapped = granules.every((each) => mapped.has(each));
    const code = codeOf(() => {
      void this.tables[which - 1]!.unmap(granule * this.granule, count * this.granule, index);
    });
    expect(code === undefined).toBe(isMapped);
    if (isMapped) for (const each of granules) mapped.delete(each);
    this.machine.checkpoint();
  }

  private show(name: string, iommuStarts: readonly number[]): MemoryRegion {
    const root = MemoryRegion.container(name, 2n ** 64n);
    const { space, port } = this.machine.show(name, root);
    const size = GRANULES * this.granule;
    const iommus = iommuStarts.map((start) => {
      const options = { minPageSize: this.granule, indexes: INDEXES, indexFrom: 'pid' } as const;
      const table = new IommuTable(this.spaces[0]!, options);
      root.addSubregion(start, MemoryRegion.iommu(`${name} iommu`, size, table));
      this.tables.push(table);
      const mapped = Array.from({ length: INDEXES }, () => new Map());
      return { start, size, granule: this.granule, mapped };
    });
    port.attrs = memTxAttrs({ pid: 0 });
    this.spaces.push(space);
    this.ports.push(port);
    this.models.push({ ram: [], iommus });
    return root;
  }

  private addRam(root: MemoryRegion, start: number, size: number, readonly = false): void {
    const region = MemoryRegion.ram(`ram at ${start}`, size, { readonly });
    root.addSubregion(start, region);
    const bytes = Uint8Array.from({ length: size }, () => this.next());
    (this.models.at(-1)!.ram as unknown[]).push({ start, bytes, readonly });
    this.machine.ram.eachPiece(region, 0n, size, (piece, done) =>
      piece.set(bytes.subarray(done, done + piece.length)),
    );
  }

  /** Bytes that differ from each other for long. */
  private next(): number {
    this.seed = (Math.imul(this.seed, 1_103_515_245) + 12_345) | 0;
    return (this.seed >>> 16) & 255;
  }
}

describe('a port whose accesses pass IOMMUs does what the model does', () => {
  let twins: Twins | null = null;
  afterEach(() => twins?.machine.close());

  test.each([
    ['mappings of 16 bytes', 16, 36],
    ['mappings of pages, at a page', 4096, 8192],
    ['mappings of pages, at no page', 4096, 8192 + 24],
  ])('%s', (_, granule, busBase) => {
    const runs = granule === 16 ? 200 : 50;
    fc.assert(
      fc.property(fc.array(action, { minLength: 60, maxLength: 100, size: 'max' }), (actions) => {
        twins?.machine.close();
        twins = new Twins(granule, busBase);
        const spread = { ...twins }.granule / 16; // so that small numbers reach everywhere
        for (const each of actions) {
          const at = each.kind === 'load' || each.kind === 'store' ? each.at * spread : each.at;
          twins.run({ ...each, at });
        }
        twins.expectSameMemory();
      }),
      { numRuns: runs },
    );
  });
});
