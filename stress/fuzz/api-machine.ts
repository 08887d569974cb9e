/** The real side of the model-based test: a machine, its objects by the model's numbers, and a listener's mirror. */
import { controlDevice } from '../../src/base/device-binding.ts';
import { Doorbell } from '../../src/mailbox/doorbell.ts';
import type { AddressSpace } from '../../src/model/address-space.ts';
import type { MemoryRegion } from '../../src/model/memory-region.ts';
import type { Owner } from '../../src/model/owner.ts';
import type { MemoryListener } from '../../src/publish/memory-listener.ts';
import type { MemoryRegionSection } from '../../src/render/memory-region-section.ts';
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import { type ApiModel, SIZE_MAX, WINDOW } from './api-model.ts';
import { must } from './target.ts';
import { smallMachine } from './world.ts';

/** Knows what it was told, and nothing else. */
class Mirror implements MemoryListener {
  readonly name = 'mirror';
  readonly priority = 0;
  private readonly sections = new Map<bigint, MemoryRegionSection>();

  regionAdd(section: MemoryRegionSection): void {
    must(!this.sections.has(section.offsetWithinAddressSpace), 'a section is added once');
    this.sections.set(section.offsetWithinAddressSpace, section);
  }

  regionDel(section: MemoryRegionSection): void {
    must(this.sections.delete(section.offsetWithinAddressSpace), 'only what was added is taken away');
  }

  /** What it knows of a byte: `region+offset`, with `ro` where it is. */
  textAt(address: bigint): string | null {
    for (const {
      offsetWithinAddressSpace: start,
      size,
      region,
      offsetWithinRegion,
      readonly,
    } of this.sections.values())
      if (address >= start && address < start + size)
        return `${region.name}+${offsetWithinRegion + address - start}${readonly ? ' ro' : ''}`;
    return null;
  }
}

export interface OpenHold {
  readonly release: () => void;
  /** Compares what the held layout shows with what it showed. */
  readonly check: () => void;
}

export class ApiMachine {
  readonly failures: unknown[] = [];
  readonly machine = smallMachine((error) => this.failures.push(error));
  readonly regions: MemoryRegion[] = [];
  readonly registers: Uint8Array[] = [];
  readonly doorbells: Doorbell[] = [];
  readonly owners: Owner[] = [];
  readonly spaces: AddressSpace[] = [];
  readonly ports: MemoryPort[] = [];
  readonly holds: OpenHold[] = [];
  private readonly mirrors: Mirror[] = [];

  /** A device of one byte wide registers. */
  device(): ReturnType<typeof controlDevice> {
    const registers = new Uint8Array(SIZE_MAX);
    this.registers.push(registers);
    return controlDevice(
      {
        read: (offset) => registers[offset]!,
        write: (offset, value) => {
          registers[offset] = value;
        },
      },
      { access: { impl: { max: 1 } } },
    );
  }

  addRegion(region: MemoryRegion): void {
    this.regions.push(region);
    this.doorbells.push(new Doorbell());
  }

  addSpace(space: AddressSpace): void {
    this.spaces.push(space);
    this.ports.push(this.machine.memory(space));
    const mirror = new Mirror();
    this.mirrors.push(mirror);
    this.machine.addListener(mirror, space);
  }

  /** Every byte of every address space, as the port reads it, a query finds it and a listener was told of it. */
  mustEqual(model: ApiModel): void {
    for (const [number, space] of this.spaces.entries()) {
      const isThere = model.state.spaces[number] !== null;
      for (let address = 0; address < WINDOW; address += 1) {
        const where = `byte ${address} of space ${number}`;
        const answer = model.answerIn(number, address);
        this.mustRead(number, address, model.byteAt(answer), where);
        if (!isThere) continue;
        const expected =
          answer && `${this.regions[answer.region]!.name}+${answer.offset}${answer.readonly ? ' ro' : ''}`;
        const told = this.mirrors[number]!.textAt(BigInt(address));
        must(told === expected, `a listener was told of ${where}: ${told}, not ${expected}`);
        if (address % 8 !== 3) continue; // the other bytes are another section, or the same
        const found = this.machine.query.findAt(space, address, 1);
        const text =
          found && `${found.region.name}+${found.offsetWithinRegion}${found.readonly ? ' ro' : ''}`;
        must(text === expected, `a query finds at ${where}: ${text}, not ${expected}`);
        found?.release();
      }
    }
    const [failure] = this.failures;
    if (failure !== undefined) throw failure;
  }

  mustRead(space: number, address: number, expected: number | null, where: string): void {
    const port = this.ports[space]!;
    const seen = port.read(address, 1);
    const result = expected === null ? 2 : 0;
    must(port.result === result, `${where} gives result ${port.result}, not ${result}`);
    must(seen === (expected ?? 0), `${where} reads as ${seen}, not ${expected ?? 0}`);
  }

  async close(): Promise<void> {
    for (const { release } of this.holds.splice(0)) release();
    for (const space of this.spaces) space.setRoot(null);
    await this.machine.close();
  }
}
