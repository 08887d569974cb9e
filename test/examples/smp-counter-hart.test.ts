/** Atomics, reservations, control registers and pauses of the example's interpreter, and a guest's mistakes. */
import { describe, expect, test } from 'vitest';
import { GuestFault } from '../../examples/smp-counter/guest-fault.ts';
import { RAM_BASE } from '../../examples/smp-counter/machine-map.ts';
import { A0, A2, DATA, finish, hartFor, MAX, MIN } from './smp-counter-snippets.ts';

describe('atomics leave the new value and return the old one', () => {
  test.each<readonly [instruction: string, memory: number, register: number, after: number]>([
    ['amoswap.w', 5, -7, -7],
    ['amoadd.w', MAX, 1, MIN],
    ['amoxor.w', 0b1100, 0b1010, 0b0110],
    ['amoor.w', 0b1100, 0b1010, 0b1110],
    ['amoand.w.aqrl', 0b1100, 0b1010, 0b1000],
    ['amomin.w', -1, 1, -1],
    ['amomin.w', 1, -1, -1],
    ['amomax.w', -1, 1, 1],
    ['amomax.w', MAX, MIN, MAX],
    ['amominu.w', -1, 1, 1],
    ['amominu.w', 1, -1, 1],
    ['amomaxu.w', -1, 1, -1],
    ['amomaxu.w', 1, -1, -1],
  ])('%s on %i with %i', (instruction, memory, register, after) => {
    const { hart, machine } = hartFor(`la a1, DATA\n ${instruction} a0, a2, (a1)`, [memory]);
    hart.registers[A2] = register;
    expect(finish(hart)).toBe(memory);
    expect(machine.wordAt(DATA)).toBe(after);
  });

  test('a maximum that another hart gets in the way of is tried again', () => {
    const { hart, machine } = hartFor('la a1, DATA\n li a2, 5\n amomax.w a0, a2, (a1)', [1]);
    const { port } = machine.seats[3]!;
    const exchange = port.atomicCompareExchange32.bind(port);
    let meddled = false;
    port.atomicCompareExchange32 = (...args) => {
      if (!meddled) machine.ram.setInt32(DATA - RAM_BASE, 9, true);
      meddled = true;
      return exchange(...args);
    };
    expect(finish(hart)).toBe(9);
    expect(machine.wordAt(DATA)).toBe(9);
  });
});

describe('LR and SC', () => {
  const NEXT = 'la a1, DATA\n la a3, DATA\n addi a3, a3, 4\n li a2, 9\n';
  test.each([
    ['SC after LR succeeds', 'lr.w a4, (a1)\n sc.w a0, a2, (a1)', 0, 9],
    ['SC without LR fails', 'sc.w a0, a2, (a1)', 1, 5],
    ['SC elsewhere than LR fails', 'lr.w a4, (a3)\n sc.w a0, a2, (a1)', 1, 5],
    ['SC after a store to the word fails', 'lr.w a4, (a1)\n sw a2, (a1)\n sc.w a0, zero, (a1)', 1, 9],
    ['SC ends the reservation', 'lr.w a4, (a1)\n sc.w a4, a2, (a1)\n sc.w a0, zero, (a1)', 1, 9],
    ['a failed SC ends it too', 'lr.w a4, (a1)\n sc.w a4, a2, (a3)\n sc.w a0, a2, (a1)', 1, 5],
    ['LR returns the word', 'lr.w.aq a0, (a1)', 5, 5],
  ])('%s', (_, source, result, after) => {
    const { hart, machine } = hartFor(NEXT + source, [5, 6]);
    expect(finish(hart)).toBe(result);
    expect(machine.wordAt(DATA)).toBe(after);
  });
});

describe('control and status registers', () => {
  test.each([
    ['mhartid is the id', 'csrr a0, mhartid', 3],
    ['csrrsi of nothing reads a read-only one', 'csrrsi a0, mhartid, 0', 3],
    ['csrrw exchanges', 'li a1, 5\n csrrw zero, mscratch, a1\n csrrw a0, mscratch, zero', 5],
    [
      'csrrs sets bits',
      'csrrwi zero, mscratch, 1\n li a1, 6\n csrrs zero, mscratch, a1\n csrr a0, mscratch',
      7,
    ],
    [
      'csrrc clears bits',
      'csrrwi zero, mscratch, 7\n li a1, 5\n csrrc a0, mscratch, a1\n csrr a0, mscratch',
      2,
    ],
    ['csrrsi and csrrci', 'csrrsi a0, mscratch, 12\n csrrci a0, mscratch, 4\n csrr a0, mscratch', 8],
  ])('%s', (_, source, expected) => {
    expect(finish(hartFor(source).hart)).toBe(expected);
  });
});

describe('run() says why it came back', () => {
  test.each([
    ['at FENCE', 'fence', 'fence'],
    ['at FENCE.I', 'fence.i', 'fence'],
    ['at PAUSE', 'pause', 'fence'],
    ['at WFI', 'wfi', 'sleep'],
    ['when the instructions are used up', 'nop', 'slice'],
  ] as const)('%s', (_, source, pause) => {
    const { hart } = hartFor(`${source}\n li a0, 1`);
    expect(hart.run(1)).toBe(pause);
    expect([hart.retired, hart.pc >>> 0]).toEqual([1, RAM_BASE + 4]);
    expect(finish(hart)).toBe(1);
  });
});

describe('a fault names hart, cause, address and pc', () => {
  const at = RAM_BASE.toString(16);
  test.each([
    ['a load from nowhere', 'lw a0, 16(zero)', `load access fault at address 0x00000010 (pc 0x${at})`],
    ['a store to nowhere', 'sb a0, 16(zero)', 'store access fault at address 0x00000010'],
    ['an atomic on nothing', 'amomin.w a0, a1, (zero)', 'atomic access fault at address 0x00000000'],
    ['a conditional store to nothing', 'sc.w a0, a1, (zero)', 'atomic access fault at address 0x00000000'],
    [
      'a jump to nowhere',
      'jalr zero, 16(zero)',
      'instruction access fault at address 0x00000010 (pc 0x00000010)',
    ],
    ['a misaligned load', 'lh a0, 1(zero)', 'load address misaligned at address 0x00000001'],
    ['a misaligned store', 'sw a0, 2(zero)', 'store address misaligned at address 0x00000002'],
    ['a misaligned atomic', 'li a1, 2\n lr.w a0, (a1)', 'atomic address misaligned at address 0x00000002'],
    ['a misaligned jump', 'jalr zero, 2(zero)', 'instruction address misaligned at address 0x00000002'],
    ['a misaligned branch', 'beqz zero, 0x80000006', 'instruction address misaligned at address 0x80000006'],
    ['ecall', 'ecall', `environment call at address 0x${at}`],
    ['ebreak', 'ebreak', `breakpoint at address 0x${at}`],
    ['a write to mhartid', 'csrrwi zero, mhartid, 1', 'illegal instruction 0xf140d073'],
    ['an unknown CSR', 'csrrwi zero, 0x300, 1', 'illegal instruction 0x3000d073'],
  ])('%s', (_, source, message) => {
    const { hart } = hartFor(source);
    expect(() => finish(hart)).toThrow(`hart 3: ${message}`);
  });

  test.each([
    ['zeros', 0],
    ['ones', -1],
    ['an OP of no known funct7', 0x04000033],
    ['an OP with bit 30 that is neither sub nor sra', 0x40001033],
    ['a shift by immediate with stray bits', 0x40001013],
    ['a branch of code 2', 0x00002063],
    ['jalr of code 1', 0x00001067],
    ['a load of 64 bits', 0x00003003],
    ['a load of code 6', 0x00006003],
    ['a store of 64 bits', 0x00003023],
    ['an atomic of 64 bits', 0x0000302f],
    ['an atomic of no known code', 0x2800202f],
    ['lr with a second source', 0x1010202f],
    ['a fence of code 2', 0x0000200f],
    ['mret', 0x30200073],
    ['a CSR instruction of code 4', 0x34004073],
  ])('no instruction: %s', (_, word) => {
    const { hart } = hartFor(`.word ${word}`);
    expect(() => finish(hart)).toThrow('illegal instruction');
  });

  test('registers, memory and pc are as before the instruction', () => {
    const { hart } = hartFor('li a0, 1\n lw a0, 16(zero)');
    expect(() => finish(hart)).toThrow(GuestFault);
    expect([hart.registers[A0], hart.pc >>> 0]).toEqual([1, RAM_BASE + 4]);
  });
});
