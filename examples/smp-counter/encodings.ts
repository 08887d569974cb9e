/**
 * The instructions of RV32IMA with Zicsr: for each mnemonic its format and its fixed bits.
 * The assembler fills in the operand fields; nothing else knows an encoding by name.
 * @source The RISC-V Instruction Set Manual, volume I, "RV32/64G Instruction Set Listings"
 */

/** How the operands are written and where their bits go; one encoder each in assembler.ts. */
export type Format =
  | 'register' //      add rd, rs1, rs2
  | 'immediate' //     addi rd, rs1, imm
  | 'shift' //         slli rd, rs1, shamt
  | 'load' //          lw rd, imm(rs1)
  | 'store' //         sw rs2, imm(rs1)
  | 'branch' //        beq rs1, rs2, label
  | 'upper' //         lui rd, imm20
  | 'jump' //          jal rd, label
  | 'atomic' //        amoadd.w rd, rs2, (rs1)
  | 'reserve' //       lr.w rd, (rs1)
  | 'csr' //           csrrw rd, csr, rs1
  | 'csr-immediate' // csrrwi rd, csr, uimm5
  | 'fixed'; //        wfi

export const OPERAND_COUNTS: Readonly<Record<Format, number>> = {
  register: 3,
  immediate: 3,
  shift: 3,
  load: 2,
  store: 2,
  branch: 3,
  upper: 2,
  jump: 2,
  atomic: 3,
  reserve: 2,
  csr: 3,
  'csr-immediate': 3,
  fixed: 0,
};

export interface Encoding {
  readonly format: Format;
  /** The word with every operand field zero. */
  readonly bits: number;
}

const encoding = (format: Format, opcode: number, funct3 = 0, funct7 = 0): Encoding => ({
  format,
  bits: opcode | (funct3 << 12) | (funct7 << 25),
});

const op = (funct3: number, funct7: number): Encoding => encoding('register', 0x33, funct3, funct7);
const mulDiv = (funct3: number): Encoding => op(funct3, 0x01);
const amo = (funct5: number): Encoding => encoding('atomic', 0x2f, 2, funct5 << 2);

/** Every mnemonic that stands for exactly one instruction word. */
export const ENCODINGS: ReadonlyMap<string, Encoding> = new Map([
  ['lui', encoding('upper', 0x37)],
  ['auipc', encoding('upper', 0x17)],
  ['jal', encoding('jump', 0x6f)],
  ['jalr', encoding('load', 0x67)],
  ['beq', encoding('branch', 0x63, 0)],
  ['bne', encoding('branch', 0x63, 1)],
  ['blt', encoding('branch', 0x63, 4)],
  ['bge', encoding('branch', 0x63, 5)],
  ['bltu', encoding('branch', 0x63, 6)],
  ['bgeu', encoding('branch', 0x63, 7)],
  ['lb', encoding('load', 0x03, 0)],
  ['lh', encoding('load', 0x03, 1)],
  ['lw', encoding('load', 0x03, 2)],
  ['lbu', encoding('load', 0x03, 4)],
  ['lhu', encoding('load', 0x03, 5)],
  ['sb', encoding('store', 0x23, 0)],
  ['sh', encoding('store', 0x23, 1)],
  ['sw', encoding('store', 0x23, 2)],
  ['addi', encoding('immediate', 0x13, 0)],
  ['slti', encoding('immediate', 0x13, 2)],
  ['sltiu', encoding('immediate', 0x13, 3)],
  ['xori', encoding('immediate', 0x13, 4)],
  ['ori', encoding('immediate', 0x13, 6)],
  ['andi', encoding('immediate', 0x13, 7)],
  ['slli', encoding('shift', 0x13, 1)],
  ['srli', encoding('shift', 0x13, 5)],
  ['srai', encoding('shift', 0x13, 5, 0x20)],
  ['add', op(0, 0x00)],
  ['sub', op(0, 0x20)],
  ['sll', op(1, 0x00)],
  ['slt', op(2, 0x00)],
  ['sltu', op(3, 0x00)],
  ['xor', op(4, 0x00)],
  ['srl', op(5, 0x00)],
  ['sra', op(5, 0x20)],
  ['or', op(6, 0x00)],
  ['and', op(7, 0x00)],
  ['mul', mulDiv(0)],
  ['mulh', mulDiv(1)],
  ['mulhsu', mulDiv(2)],
  ['mulhu', mulDiv(3)],
  ['div', mulDiv(4)],
  ['divu', mulDiv(5)],
  ['rem', mulDiv(6)],
  ['remu', mulDiv(7)],
  ['lr.w', encoding('reserve', 0x2f, 2, 0x02 << 2)],
  ['sc.w', amo(0x03)],
  ['amoswap.w', amo(0x01)],
  ['amoadd.w', amo(0x00)],
  ['amoxor.w', amo(0x04)],
  ['amoor.w', amo(0x08)],
  ['amoand.w', amo(0x0c)],
  ['amomin.w', amo(0x10)],
  ['amomax.w', amo(0x14)],
  ['amominu.w', amo(0x18)],
  ['amomaxu.w', amo(0x1c)],
  ['csrrw', encoding('csr', 0x73, 1)],
  ['csrrs', encoding('csr', 0x73, 2)],
  ['csrrc', encoding('csr', 0x73, 3)],
  ['csrrwi', encoding('csr-immediate', 0x73, 5)],
  ['csrrsi', encoding('csr-immediate', 0x73, 6)],
  ['csrrci', encoding('csr-immediate', 0x73, 7)],
  ['fence', { format: 'fixed', bits: 0x0ff0000f }], // fence iorw, iorw
  ['pause', { format: 'fixed', bits: 0x0100000f }], // fence w, 0
  ['fence.i', { format: 'fixed', bits: 0x0000100f }],
  ['ecall', { format: 'fixed', bits: 0x00000073 }],
  ['ebreak', { format: 'fixed', bits: 0x00100073 }],
  ['wfi', { format: 'fixed', bits: 0x10500073 }],
]);

/** Suffixes of the A extension; bit 26 is acquire, bit 25 release. */
export const ORDERINGS: ReadonlyMap<string, number> = new Map([
  ['.aqrl', 3 << 25],
  ['.aq', 2 << 25],
  ['.rl', 1 << 25],
]);

/** Names of the control and status registers that hart.ts has. */
export const CSR_NAMES: ReadonlyMap<string, number> = new Map([
  ['mscratch', 0x340],
  ['mhartid', 0xf14],
]);

const ABI_NAMES =
  'zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6'.split(
    ' ',
  );

/** Both names of each register: `x5` and `t0`; `fp` is `s0`. */
export const REGISTER_NAMES: ReadonlyMap<string, number> = new Map([
  ...ABI_NAMES.map((name, index) => [name, index] as const),
  ...ABI_NAMES.map((_, index) => [`x${index}`, index] as const),
  ['fp', 8] as const,
]);

/** A branch's distance in bytes where its format has it: scattered, sign in bit 31. */
export const branchField = (distance: number): number =>
  ((distance & 0x1000) << 19) |
  ((distance & 0x7e0) << 20) |
  ((distance & 0x1e) << 7) |
  ((distance & 0x800) >> 4);

/** Likewise for a jump. */
export const jumpField = (distance: number): number =>
  ((distance & 0x100000) << 11) |
  ((distance & 0x7fe) << 20) |
  ((distance & 0x800) << 9) |
  (distance & 0xff000);
