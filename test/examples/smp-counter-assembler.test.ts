/**
 * The assembler against words that another assembler (LLVM 14, riscv32 with M and A) made of the same text.
 * The first word lies at 0x80000000, so targets of branches and jumps are absolute addresses around there.
 */
import { describe, expect, test } from 'vitest';
import { assemble } from '../../examples/smp-counter/assembler.ts';

const ORIGIN = 0x8000_0000;

const unsigned = (words: Int32Array): number[] => Array.from(words, (word) => word >>> 0);

const INSTRUCTIONS: readonly (readonly [source: string, words: readonly number[]])[] = [
  ['lui a0, 0x12345', [0x12345537]],
  ['lui t6, 0xfffff', [0xffffffb7]],
  ['auipc s1, 0x80000', [0x80000497]],
  ['jal ra, 0x80000800', [0x001000ef]],
  ['jal zero, 0x7ff00000', [0x8000006f]],
  ['jal t0, 0x800ffffe', [0x7ffff2ef]],
  ['jalr ra, -4(t1)', [0xffc300e7]],
  ['jalr zero, 0(ra)', [0x00008067]],
  ['beq a0, a1, 0x80000010', [0x00b50863]],
  ['bne a0, zero, 0x7ffffffc', [0xfe051ee3]],
  ['blt s0, s11, 0x80000ffe', [0x7fb44fe3]],
  ['bge t3, t4, 0x7ffff000', [0x81de5063]],
  ['bltu a6, a7, 0x80000800', [0x011860e3]],
  ['bgeu tp, gp, 0x7ffff7fe', [0xfe327f63]],
  ['lb a0, -1(sp)', [0xfff10503]],
  ['lh a1, 2(gp)', [0x00219583]],
  ['lw a2, 2047(s0)', [0x7ff42603]],
  ['lbu a3, -2048(s1)', [0x8004c683]],
  ['lhu a4, 0(a5)', [0x0007d703]],
  ['sb a0, -1(sp)', [0xfea10fa3]],
  ['sh a1, 31(gp)', [0x00b19fa3]],
  ['sw a2, 2047(s0)', [0x7ec42fa3]],
  ['sw t6, -2048(t5)', [0x81ff2023]],
  ['addi a0, a1, -1', [0xfff58513]],
  ['slti a0, a1, 2047', [0x7ff5a513]],
  ['sltiu a0, a1, -2048', [0x8005b513]],
  ['xori a0, a1, -1', [0xfff5c513]],
  ['ori a0, a1, 0x7f', [0x07f5e513]],
  ['andi a0, a1, 0xf', [0x00f5f513]],
  ['slli a0, a1, 31', [0x01f59513]],
  ['srli a0, a1, 1', [0x0015d513]],
  ['srai a0, a1, 31', [0x41f5d513]],
  ['add a0, a1, a2', [0x00c58533]],
  ['sub a0, a1, a2', [0x40c58533]],
  ['sll s2, s3, s4', [0x01499933]],
  ['slt s5, s6, s7', [0x017b2ab3]],
  ['sltu s8, s9, s10', [0x01acbc33]],
  ['xor t0, t1, t2', [0x007342b3]],
  ['srl t3, t4, t5', [0x01eede33]],
  ['sra t6, ra, sp', [0x4020dfb3]],
  ['or a0, a0, a0', [0x00a56533]],
  ['and a7, a6, a5', [0x00f878b3]],
  ['mul a0, a1, a2', [0x02c58533]],
  ['mulh a0, a1, a2', [0x02c59533]],
  ['mulhsu a0, a1, a2', [0x02c5a533]],
  ['mulhu a0, a1, a2', [0x02c5b533]],
  ['div a0, a1, a2', [0x02c5c533]],
  ['divu a0, a1, a2', [0x02c5d533]],
  ['rem a0, a1, a2', [0x02c5e533]],
  ['remu a0, a1, a2', [0x02c5f533]],
  ['lr.w a0, (a1)', [0x1005a52f]],
  ['lr.w.aq a0, (a1)', [0x1405a52f]],
  ['lr.w.aqrl a0, (a1)', [0x1605a52f]],
  ['sc.w a0, a2, (a1)', [0x18c5a52f]],
  ['sc.w.rl a0, a2, (a1)', [0x1ac5a52f]],
  ['amoswap.w a0, a2, (a1)', [0x08c5a52f]],
  ['amoswap.w.rl zero, zero, (a1)', [0x0a05a02f]],
  ['amoadd.w.aqrl a0, a2, (a1)', [0x06c5a52f]],
  ['amoxor.w a0, a2, (a1)', [0x20c5a52f]],
  ['amoor.w a0, a2, (a1)', [0x40c5a52f]],
  ['amoand.w.aq a0, a2, (a1)', [0x64c5a52f]],
  ['amomin.w a0, a2, (a1)', [0x80c5a52f]],
  ['amomax.w a0, a2, (a1)', [0xa0c5a52f]],
  ['amominu.w a0, a2, (a1)', [0xc0c5a52f]],
  ['amomaxu.w a0, a2, (a1)', [0xe0c5a52f]],
  ['csrrw a0, mscratch, a1', [0x34059573]],
  ['csrrs a0, mhartid, zero', [0xf1402573]],
  ['csrrc a0, 0xc00, a1', [0xc005b573]],
  ['csrrwi zero, mscratch, 31', [0x340fd073]],
  ['csrrsi a0, mscratch, 1', [0x3400e573]],
  ['csrrci a0, mscratch, 0', [0x34007573]],
  ['fence', [0x0ff0000f]],
  ['fence.i', [0x0000100f]],
  ['ecall', [0x00000073]],
  ['ebreak', [0x00100073]],
  ['wfi', [0x10500073]],
  ['jal ra, 0x7ffffff8', [0xff9ff0ef]],
];

const PSEUDO_INSTRUCTIONS: typeof INSTRUCTIONS = [
  ['nop', [0x00000013]],
  ['mv s0, a0', [0x00050413]],
  ['ret', [0x00008067]],
  ['jr t0', [0x00028067]],
  ['j 0x80000008', [0x0080006f]],
  ['beqz a0, 0x80000008', [0x00050463]],
  ['bnez s1, 0x7ffffff8', [0xfe049ce3]],
  ['csrr a0, mhartid', [0xf1402573]],
  ['li a0, 2047', [0x7ff00513]],
  ['li a0, -2048', [0x80000513]],
  ['li a0, 0x12345000', [0x12345537]],
  ['li a0, 0x80000000', [0x80000537]],
  ['li a0, 2048', [0x00001537, 0x80050513]],
  ['li a0, 0x12345fff', [0x12346537, 0xfff50513]],
  ['li t0, -1', [0xfff00293]],
  ['li t0, 0x7fffffff', [0x800002b7, 0xfff28293]],
  ['call 0x7ffffff8', [0xff9ff0ef]],
];

test.each(INSTRUCTIONS)('%s', (source, words) => {
  expect(unsigned(assemble(source, ORIGIN).words)).toEqual(words);
});

test.each(PSEUDO_INSTRUCTIONS)('pseudo instruction %s', (source, words) => {
  expect(unsigned(assemble(source, ORIGIN).words)).toEqual(words);
});

describe('labels', () => {
  test('a label may be used before it is defined, and stands for its address', () => {
    const program = assemble('start: j end\n nop\nend: j start', ORIGIN);
    expect(unsigned(program.words)).toEqual([0x0080006f, 0x00000013, 0xff9ff06f]);
    expect([...program.labels]).toEqual([
      ['start', ORIGIN],
      ['end', ORIGIN + 8],
    ]);
  });

  test('li takes as many words as its constant needs, and labels after it count them', () => {
    const program = assemble('li a0, 0x12345678\n li a0, 1\nend:', ORIGIN);
    expect(program.labels.get('end')).toBe(ORIGIN + 12);
  });

  test('la is relative to its own place, forwards and backwards', () => {
    // auipc a0, 1; addi a0, a0, -2048 — the lower part is signed, so the upper part is rounded up
    expect(unsigned(assemble('la a0, 0x80000800', ORIGIN).words)).toEqual([0x00001517, 0x80050513]);
    // auipc a0, 0xfffff; addi a0, a0, 2047
    expect(unsigned(assemble('la a0, 0x7ffff7ff', ORIGIN).words)).toEqual([0xfffff517, 0x7ff50513]);
  });
});

describe('data and constants', () => {
  test('.word takes numbers, symbols and labels', () => {
    const program = assemble('here: .word 1, -1, SEVEN, here', ORIGIN, { SEVEN: 7 });
    expect(unsigned(program.words)).toEqual([1, 0xffffffff, 7, ORIGIN]);
  });

  test('.asciz ends in a zero byte and fills its last word; a # inside is no comment', () => {
    const program = assemble('.asciz "a#c\\n"  # a comment\nend:', ORIGIN);
    expect(Buffer.from(program.words.buffer).toString('latin1')).toBe('a#c\n\0\0\0\0');
    expect(program.labels.get('end')).toBe(ORIGIN + 8);
  });

  test('.space gives zeros, in whole words', () => {
    expect(unsigned(assemble('.space 5\n.word 1', ORIGIN).words)).toEqual([0, 0, 1]);
  });

  test('symbols and characters stand wherever a number may', () => {
    const words = assemble("addi a0, a1, '0'\n lw a0, OFFSET(a1)\n li a0, OFFSET", ORIGIN, {
      OFFSET: 8,
    }).words;
    expect(unsigned(words)).toEqual([0x03058513, 0x0085a503, 0x00800513]);
  });
});

describe('mistakes are reported with their line', () => {
  test.each([
    ['an unknown instruction', 'nop\n nop\n frob a0', 'line 3: there is no instruction "frob"'],
    ['an unknown register', 'add a0, a1, q7', 'line 1: "q7" is not a register'],
    ['too few operands', 'add a0, a1', 'line 1: needs 3 operands, has 2'],
    ['too many operands', 'ret a0', 'line 1: needs 2 operands, has 3'],
    ['an immediate of 13 bits', 'addi a0, a1, 2048', 'line 1: immediate 2048 is outside -2048..2047'],
    ['a shift by 32', 'slli a0, a1, 32', 'line 1: shift 32 is outside 0..31'],
    ['a branch too far', 'beqz a0, 0x80001000', 'line 1: distance 4096 is outside -4096..4094'],
    ['an odd target', 'j 0x80000003', 'line 1: target 0x80000003 is at an odd address'],
    ['a number of 33 bits', 'li a0, 0x100000000', 'line 1: number 4294967296 is outside'],
    ['an unknown name', 'j nowhere', 'line 1: "nowhere" is neither a number nor a symbol'],
    ['a label twice', 'a:\na:', 'line 2: "a" is defined twice'],
    ['a label named like a symbol', 'K:', 'line 1: "K" is defined twice'],
    ['an offset on an atomic', 'lr.w a0, 4(a1)', 'line 1: an atomic instruction takes no offset'],
    ['a load without a base register', 'lw a0, 4', 'line 1: "4" is not of the form offset(register)'],
    [
      'an ordering on an ordinary instruction',
      'add.aq a0, a1, a2',
      'line 1: there is no instruction "add.aq"',
    ],
    ['text without quotes', '.asciz text', 'line 1: .asciz needs one "quoted ASCII text"'],
  ])('%s', (_, source, message) => {
    expect(() => assemble(source, ORIGIN, { K: 1 })).toThrow(message);
  });
});
