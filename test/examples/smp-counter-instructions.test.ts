/** What each instruction of RV32IM does in the example's interpreter, as tables. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assemble } from '../../examples/smp-counter/assembler.ts';
import { RAM_BASE } from '../../examples/smp-counter/machine-map.ts';
import { A1, A2, DATA, finish, hartFor, MAX, MIN } from './smp-counter-snippets.ts';

type OperationRow = readonly [instruction: string, a1: number, a2: number, expected: number];

/** `op a0, a1, a2` */
const REGISTER_ROWS: readonly OperationRow[] = [
  ['add', 1, 2, 3],
  ['add', MAX, 1, MIN],
  ['sub', 1, 2, -1],
  ['sub', MIN, 1, MAX],
  ['sll', 1, 31, MIN],
  ['sll', 3, 33, 6], // amount modulo 32
  ['srl', MIN, 31, 1],
  ['srl', -1, 0, -1],
  ['srl', -1, 32, -1],
  ['sra', MIN, 31, -1],
  ['sra', MAX, 30, 1],
  ['slt', -1, 0, 1],
  ['slt', 0, -1, 0],
  ['slt', 5, 5, 0],
  ['sltu', -1, 0, 0],
  ['sltu', 0, -1, 1],
  ['sltu', MIN, MAX, 0],
  ['xor', 0b1100, 0b1010, 0b0110],
  ['or', 0b1100, 0b1010, 0b1110],
  ['and', 0b1100, 0b1010, 0b1000],
  ['mul', 7, -3, -21],
  ['mul', 0x12345679, 0x10001, 0x68ad5679],
  ['mulh', -1, -1, 0],
  ['mulh', MIN, MIN, 0x40000000],
  ['mulh', MIN, MAX, -0x40000000],
  ['mulhsu', -1, -1, -1], // -1 * (2^32 - 1) = -2^32 + 1
  ['mulhsu', 1, -1, 0],
  ['mulhsu', MIN, -1, MIN],
  ['mulhu', -1, -1, -2],
  ['mulhu', MIN, 2, 1],
  ['div', 7, -2, -3], // towards zero
  ['div', -7, 2, -3],
  ['div', 1, 0, -1], // by zero: all ones
  ['div', MIN, -1, MIN], // overflow
  ['divu', -1, 2, MAX],
  ['divu', 1, 0, -1],
  ['divu', MIN, -1, 0],
  ['rem', 7, -2, 1], // sign of the dividend
  ['rem', -7, 2, -1],
  ['rem', -7, 0, -7], // by zero: the dividend
  ['rem', MIN, -1, 0], // overflow
  ['remu', -1, 10, 5],
  ['remu', -7, 0, -7],
  ['remu', 7, -1, 7],
];

test.each(REGISTER_ROWS)('%s of %i and %i is %i', (instruction, a1, a2, expected) => {
  const { hart } = hartFor(`${instruction} a0, a1, a2`);
  hart.registers[A1] = a1;
  hart.registers[A2] = a2;
  expect(finish(hart)).toBe(expected);
});

test.each<OperationRow>([
  ['addi', 1, -2, -1],
  ['addi', MAX, 2047, MIN + 2046],
  ['slti', -5, -4, 1],
  ['slti', 0, -1, 0],
  ['sltiu', 0, 1, 1],
  ['sltiu', 5, -1, 1], // the immediate is sign-extended, then taken as unsigned
  ['xori', 0x55, -1, ~0x55],
  ['ori', 0x50, 0x0f, 0x5f],
  ['andi', -1, -16, -16],
  ['slli', 1, 31, MIN],
  ['srli', MIN, 31, 1],
  ['srai', MIN, 31, -1],
  ['srai', MIN, 0, MIN],
])('%s of %i by immediate %i is %i', (instruction, a1, immediate, expected) => {
  const { hart } = hartFor(`${instruction} a0, a1, ${immediate}`);
  hart.registers[A1] = a1;
  expect(finish(hart)).toBe(expected);
});

describe('multiplication and division agree with big integers', () => {
  const int32 = fc.oneof(fc.integer({ min: MIN, max: MAX }), fc.constantFrom(0, 1, -1, MIN, MAX));
  const signed = (value: number): bigint => BigInt(value);
  const unsigned = (value: number): bigint => BigInt(value >>> 0);
  test.each<readonly [string, (a: number, b: number) => bigint]>([
    ['mul', (a, b) => signed(a) * signed(b)],
    ['mulh', (a, b) => (signed(a) * signed(b)) >> 32n],
    ['mulhsu', (a, b) => (signed(a) * unsigned(b)) >> 32n],
    ['mulhu', (a, b) => (unsigned(a) * unsigned(b)) >> 32n],
    ['div', (a, b) => (b === 0 ? -1n : signed(a) / signed(b))],
    ['divu', (a, b) => (b === 0 ? -1n : unsigned(a) / unsigned(b))],
    ['rem', (a, b) => (b === 0 ? signed(a) : signed(a) % signed(b))],
    ['remu', (a, b) => (b === 0 ? unsigned(a) : unsigned(a) % unsigned(b))],
  ])('%s', (instruction, exact) => {
    const agrees = (a: number, b: number): void => {
      const { hart } = hartFor(`${instruction} a0, a1, a2`);
      hart.registers[A1] = a;
      hart.registers[A2] = b;
      expect(finish(hart)).toBe(Number(BigInt.asIntN(32, exact(a, b))));
    };
    fc.assert(fc.property(int32, int32, agrees), { numRuns: 200 });
  });
});

test.each<readonly [instruction: string, a1: number, a2: number, taken: boolean]>([
  ['beq', 5, 5, true],
  ['beq', 5, 6, false],
  ['bne', 5, 6, true],
  ['bne', 5, 5, false],
  ['blt', -1, 0, true],
  ['blt', 0, 0, false],
  ['bge', 0, -1, true],
  ['bge', 0, 0, true],
  ['bge', MIN, MAX, false],
  ['bltu', 0, -1, true],
  ['bltu', -1, 0, false],
  ['bgeu', -1, 0, true],
  ['bgeu', 0, -1, false],
])('%s of %i and %i: taken is %s', (instruction, a1, a2, taken) => {
  const { hart } = hartFor(`li a0, 1\n ${instruction} a1, a2, end\n li a0, 0\nend:`);
  hart.registers[A1] = a1;
  hart.registers[A2] = a2;
  expect(finish(hart)).toBe(taken ? 1 : 0);
});

describe('jumps and large constants', () => {
  test.each([
    ['a branch goes back', 'li a1, 3\nagain: addi a0, a0, 2\n addi a1, a1, -1\n bnez a1, again', 6],
    ['jal links the next instruction', 'jal a0, end\n nop\nend:', (RAM_BASE + 4) | 0],
    ['jalr clears bit 0 of its target', 'la a1, end\n jalr a0, 1(a1)\n nop\nend:', (RAM_BASE + 12) | 0],
    [
      'jalr may link into its own base register',
      'la a0, end\n jalr a0, (a0)\n nop\nend:',
      (RAM_BASE + 12) | 0,
    ],
    ['call and ret', 'call f\n j end\nf: li a0, 7\n ret\nend:', 7],
    ['lui sets the upper 20 bits', 'lui a0, 0xfffff', -4096],
    ['auipc adds to its own address', 'nop\n auipc a0, 1', (RAM_BASE + 4 + 4096) | 0],
    ['li of 0x12345fff', 'li a0, 0x12345fff', 0x12345fff],
    ['li of 0x80000000', 'li a0, 0x80000000', MIN],
    ['la of data below the code', 'la a0, DATA', DATA | 0],
    ['x0 stays zero', 'li zero, 5\n mv a0, zero', 0],
    ['a jump links nothing into x0', 'j end\nend: mv a0, zero', 0],
  ])('%s', (_, source, expected) => {
    expect(finish(hartFor(source).hart)).toBe(expected);
  });

  test('a word that was stored is executed', () => {
    const [patch] = assemble('li a0, 9', 0).words;
    const { hart } = hartFor('la a1, here\n lw a2, (a3)\n sw a2, (a1)\n fence.i\nhere: li a0, 1', [patch!]);
    hart.registers[13] = DATA;
    expect(finish(hart)).toBe(9);
  });
});

describe('loads and stores', () => {
  const BYTES = 0x8081_7f01 | 0;
  test.each([
    ['lb', 0, 1],
    ['lb', 1, 0x7f],
    ['lb', 2, -0x7f],
    ['lbu', 3, 0x80],
    ['lh', 0, 0x7f01],
    ['lh', 2, 0x8081 - 0x10000],
    ['lhu', 2, 0x8081],
    ['lw', 0, BYTES],
    ['lw', 4, -2],
  ])('%s at offset %i', (instruction, offset, expected) => {
    const { hart } = hartFor(`la a1, DATA\n ${instruction} a0, ${offset}(a1)`, [BYTES, -2]);
    expect(finish(hart)).toBe(expected);
  });

  test.each([
    ['sb', 1, 0x1111_5611],
    ['sh', 2, 0x3456_1111],
    ['sw', 0, 0x9abc_3456 | 0],
    ['sw', -4, 0x1111_1111],
  ])('%s at offset %i', (instruction, offset, expected) => {
    const { hart, machine } = hartFor(
      `la a1, DATA\n li a2, 0x9abc3456\n ${instruction} a2, ${offset}(a1)`,
      [0x1111_1111],
    );
    finish(hart);
    expect(machine.wordAt(DATA)).toBe(expected);
  });
});
