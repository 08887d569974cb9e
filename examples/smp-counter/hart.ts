/**
 * One RV32IMA hart (Zicsr: mhartid, mscratch; WFI) over a memory port. Machine mode without traps: whatever
 * would trap is a GuestFault. It fetches every word through the port, so a program may be written over.
 *
 * Guarantee: run() returns at once after a FENCE, FENCE.I or WFI, and after `limit` instructions at the latest;
 * whoever runs the hart must pass a checkpoint (or sleep, after WFI) before the next run(). So FENCE is where a
 * guest says "from here on I want to see the memory map as it is": another hart may have moved a device.
 * After a hart's own store to a device the port shows the new map by itself.
 *
 * LR remembers address and value; SC compares the value. A word that changed and changed back between the two
 * is not noticed, which a spinlock does not mind (QEMU does the same).
 */
import { branchTaken, immediateOperation, registerOperation, selectExtreme } from './alu.ts';
import { GuestFault, hex } from './guest-fault.ts';
import type { GuestPort } from './guest-port.ts';

/** Why run() came back: instructions used up, a fence passed, or sleep asked for. */
export type HartPause = 'slice' | 'fence' | 'sleep';

const CSR_MSCRATCH = 0x340;
const CSR_MHARTID = 0xf14;
const CSR_READ_ONLY = 0xc00; // both bits set in a number: the register cannot be written
const WFI = 0x10500073;
const ECALL = 0x00000073;
const EBREAK = 0x00100073;
const WORD_ALIGNMENT = 3;

export class Hart {
  readonly id: number;
  readonly registers = new Int32Array(32);
  pc: number;
  /** Instructions completed by all runs so far. */
  retired = 0;
  private readonly port: GuestPort;
  private nextPc = 0;
  private pause: HartPause = 'slice';
  private scratch = 0;
  private reserved = false;
  private reservedAddress = 0;
  private reservedValue = 0;

  constructor(id: number, port: GuestPort, resetAddress: number) {
    this.id = id;
    this.port = port;
    this.pc = resetAddress | 0;
  }

  /**
   * Executes up to `limit` instructions.
   * @throws GuestFault with pc still at the instruction that failed
   */
  run(limit: number): HartPause {
    const port = this.port;
    let left = limit;
    this.pause = 'slice';
    while (left > 0 && this.pause === 'slice') {
      const word = port.load32(0, this.pc);
      if (port.result !== 0) this.fail('instruction access fault', this.pc);
      this.nextPc = (this.pc + 4) | 0;
      this.execute(word);
      this.registers[0] = 0;
      this.pc = this.nextPc;
      left--;
    }
    this.retired += limit - left;
    return this.pause;
  }

  private fail(cause: string, address: number): never {
    throw new GuestFault(cause, this.id, this.pc, address);
  }

  private illegal(word: number): never {
    this.fail(`illegal instruction ${hex(word)}`, this.pc);
  }

  private execute(word: number): void {
    const registers = this.registers;
    const rd = (word >> 7) & 31;
    const rs1 = registers[(word >> 15) & 31]!;
    switch (word & 0x7f) {
      case 0x03:
        registers[rd] = this.load(word, (rs1 + (word >> 20)) | 0);
        return;
      case 0x13:
        registers[rd] = immediateOperation((word >> 12) & 7, rs1, word >> 20) ?? this.illegal(word);
        return;
      case 0x23:
        this.store(word, rs1);
        return;
      case 0x33: {
        const rs2 = registers[(word >> 20) & 31]!;
        registers[rd] = registerOperation((word >> 12) & 7, word >>> 25, rs1, rs2) ?? this.illegal(word);
        return;
      }
      case 0x63:
        this.branch(word, rs1);
        return;
      case 0x17:
        registers[rd] = this.pc + (word & ~0xfff);
        return;
      case 0x37:
        registers[rd] = word & ~0xfff;
        return;
      case 0x67: {
        if ((word & 0x7000) !== 0) this.illegal(word);
        const link = this.nextPc;
        this.jump((rs1 + (word >> 20)) & ~1);
        registers[rd] = link;
        return;
      }
      case 0x6f: {
        const link = this.nextPc;
        this.jump(this.pc + jumpDistance(word));
        registers[rd] = link;
        return;
      }
      case 0x2f:
        if ((word & 0x7000) !== 0x2000) this.illegal(word);
        registers[rd] = this.atomic(word, rs1, registers[(word >> 20) & 31]!);
        return;
      case 0x0f:
        if ((word & 0x7000) > 0x1000) this.illegal(word);
        this.pause = 'fence';
        return;
      case 0x73:
        this.system(word, rd, rs1);
        return;
      default:
        this.illegal(word);
    }
  }

  private jump(target: number): void {
    if ((target & WORD_ALIGNMENT) !== 0) this.fail('instruction address misaligned', target);
    this.nextPc = target | 0;
  }

  private branch(word: number, rs1: number): void {
    const taken =
      branchTaken((word >> 12) & 7, rs1, this.registers[(word >> 20) & 31]!) ?? this.illegal(word);
    if (taken) this.jump(this.pc + branchDistance(word));
  }

  private load(word: number, address: number): number {
    const port = this.port;
    const funct3 = (word >> 12) & 7;
    const sizeLog2 = funct3 & 3;
    if (sizeLog2 === 3 || funct3 === 6) this.illegal(word);
    if ((address & ((1 << sizeLog2) - 1)) !== 0) this.fail('load address misaligned', address);
    let value: number;
    if (sizeLog2 === 2) value = port.load32(0, address);
    else if (sizeLog2 === 1) value = port.load16(0, address);
    else value = port.load8(0, address);
    if (port.result !== 0) this.fail('load access fault', address);
    if (funct3 === 0) return (value << 24) >> 24;
    return funct3 === 1 ? (value << 16) >> 16 : value;
  }

  private store(word: number, rs1: number): void {
    const port = this.port;
    const sizeLog2 = (word >> 12) & 7;
    const address = (rs1 + (((word >> 25) << 5) | ((word >> 7) & 31))) | 0;
    const value = this.registers[(word >> 20) & 31]!;
    if (sizeLog2 > 2) this.illegal(word);
    if ((address & ((1 << sizeLog2) - 1)) !== 0) this.fail('store address misaligned', address);
    if (sizeLog2 === 2) port.store32(0, address, value);
    else if (sizeLog2 === 1) port.store16(0, address, value & 0xffff);
    else port.store8(0, address, value & 0xff);
    if (port.result !== 0) this.fail('store access fault', address);
  }

  /** The acquire and release bits need nothing: every atomic of the port is sequentially consistent. */
  private atomic(word: number, address: number, rs2: number): number {
    const port = this.port;
    const funct5 = word >>> 27;
    if ((address & WORD_ALIGNMENT) !== 0) this.fail('atomic address misaligned', address);
    let old: number;
    switch (funct5) {
      case 0x00:
        old = port.atomicAdd32(0, address, rs2);
        break;
      case 0x01:
        old = port.atomicSwap32(0, address, rs2);
        break;
      case 0x02:
        if ((word & 0x01f00000) !== 0) this.illegal(word);
        old = this.loadReserved(address);
        break;
      case 0x03:
        old = this.storeConditional(address, rs2);
        break;
      case 0x04:
        old = port.atomicXor32(0, address, rs2);
        break;
      case 0x08:
        old = port.atomicOr32(0, address, rs2);
        break;
      case 0x0c:
        old = port.atomicAnd32(0, address, rs2);
        break;
      case 0x10:
      case 0x14:
      case 0x18:
      case 0x1c:
        old = this.exchangeExtreme(funct5, address, rs2);
        break;
      default:
        this.illegal(word);
    }
    if (port.result !== 0) this.fail('atomic access fault', address);
    return old;
  }

  /** OR with nothing: an atomic load that also finds out whether the place takes a conditional store. */
  private loadReserved(address: number): number {
    this.reservedValue = this.port.atomicOr32(0, address, 0);
    this.reservedAddress = address;
    this.reserved = true;
    return this.reservedValue;
  }

  /** 0 for success. Any SC ends the reservation. */
  private storeConditional(address: number, value: number): number {
    const matches = this.reserved && this.reservedAddress === address;
    this.reserved = false;
    const expected = this.reservedValue;
    const seen = matches
      ? this.port.atomicCompareExchange32(0, address, expected, value)
      : this.port.atomicOr32(0, address, 0); // faults where an SC may not go at all
    return matches && seen === expected ? 0 : 1;
  }

  private exchangeExtreme(funct5: number, address: number, rs2: number): number {
    const port = this.port;
    let expected = port.load32(0, address);
    for (;;) {
      const seen = port.atomicCompareExchange32(0, address, expected, selectExtreme(funct5, expected, rs2));
      if (seen === expected || port.result !== 0) return seen;
      expected = seen;
    }
  }

  private system(word: number, rd: number, rs1: number): void {
    const funct3 = (word >> 12) & 7;
    if (word === WFI) this.pause = 'sleep';
    else if (word === ECALL) this.fail('environment call', this.pc);
    else if (word === EBREAK) this.fail('breakpoint', this.pc);
    else if ((funct3 & 3) === 0) this.illegal(word);
    else this.registers[rd] = this.exchangeCsr(word, funct3, funct3 > 4 ? (word >> 15) & 31 : rs1);
  }

  /** Set and clear write nothing where the source field is x0 or 0, so a read-only CSR can be read by them. */
  private exchangeCsr(word: number, funct3: number, operand: number): number {
    const number = word >>> 20;
    const writes = (funct3 & 3) === 1 || ((word >> 15) & 31) !== 0;
    if (number !== CSR_MSCRATCH && number !== CSR_MHARTID) this.illegal(word);
    if (writes && (number & CSR_READ_ONLY) === CSR_READ_ONLY) this.illegal(word);
    const old = number === CSR_MHARTID ? this.id : this.scratch;
    if (!writes) return old;
    if ((funct3 & 3) === 1) this.scratch = operand;
    else this.scratch = (funct3 & 3) === 2 ? old | operand : old & ~operand;
    return old;
  }
}

/** The sign is bit 31; the rest is scattered as branchField() and jumpField() of encodings.ts have it. */
const branchDistance = (word: number): number =>
  ((word >> 31) << 12) | ((word << 4) & 0x800) | ((word >> 20) & 0x7e0) | ((word >> 7) & 0x1e);
const jumpDistance = (word: number): number =>
  ((word >> 31) << 20) | (word & 0xff000) | ((word >> 9) & 0x800) | ((word >> 20) & 0x7fe);
