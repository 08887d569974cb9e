/**
 * A tiny two-pass assembler for RV32IMA: text in, program words out.
 *
 *   loop:                       a label
 *       lw    t0, COUNT(s1)     an instruction; numbers, 'c' and symbols wherever a constant may stand
 *       bnez  t0, loop          # a comment
 *   .word 1, loop   .space 64   .asciz "text\n"    data, each filled up to a whole word
 *
 * Pseudo instructions: nop, li, la, mv, j, jr, call, ret, beqz, bnez, csrr.
 * A mistake in the source is an AssemblyError that names the line.
 */
import {
  branchField,
  CSR_NAMES,
  ENCODINGS,
  type Encoding,
  jumpField,
  OPERAND_COUNTS,
  ORDERINGS,
  REGISTER_NAMES,
} from './encodings.ts';
import { expandPseudo } from './pseudo.ts';
import { parseSource, type Statement, stringFromLiteral } from './source-lines.ts';

export interface AssembledProgram {
  /** Address of the first word, as uint32. */
  readonly origin: number;
  /** Little-endian words in order of address. */
  readonly words: Int32Array;
  /** Address of every label, as uint32. */
  readonly labels: ReadonlyMap<string, number>;
}

export class AssemblyError extends Error {
  override readonly name = 'AssemblyError';
  constructor(line: number, problem: string) {
    super(`line ${line}: ${problem}`);
  }
}

/**
 * @param source  the program's text
 * @param origin  where its first word will lie; a multiple of 4
 * @param symbols constants that the text may name
 */
export function assemble(
  source: string,
  origin: number,
  symbols: Readonly<Record<string, number>> = {},
): AssembledProgram {
  const assembler = new Assembler(origin >>> 0, new Map(Object.entries(symbols)));
  return assembler.assemble(parseSource(source));
}

/** Splits a constant so that `lui upper; addi lower` gives it back; the lower part is signed. */
const lowerFromConstant = (value: number): number => (value << 20) >> 20;
const upperFromConstant = (value: number): number => ((value - lowerFromConstant(value)) >>> 12) & 0xfffff;

const LUI = ENCODINGS.get('lui')!.bits;
const AUIPC = ENCODINGS.get('auipc')!.bits;
const ADDI = ENCODINGS.get('addi')!.bits;

class Assembler {
  private readonly origin: number;
  private readonly symbols: ReadonlyMap<string, number>;
  private readonly labels = new Map<string, number>();
  private readonly words: number[] = [];
  private line = 0;

  constructor(origin: number, symbols: ReadonlyMap<string, number>) {
    this.origin = origin;
    this.symbols = symbols;
  }

  assemble(statements: readonly Statement[]): AssembledProgram {
    let address = this.origin;
    for (const statement of statements) {
      this.line = statement.line;
      if (statement.label !== null) this.defineLabel(statement.label, address);
      address += 4 * this.wordCount(statement);
    }
    for (const statement of statements) {
      this.line = statement.line;
      this.emit(statement);
    }
    return { origin: this.origin, words: Int32Array.from(this.words), labels: this.labels };
  }

  private fail(problem: string): never {
    throw new AssemblyError(this.line, problem);
  }

  private defineLabel(name: string, address: number): void {
    if (this.labels.has(name) || this.symbols.has(name)) this.fail(`"${name}" is defined twice`);
    this.labels.set(name, address);
  }

  /** Size of a statement; must not need a label's address, which the first pass does not know yet. */
  private wordCount({ mnemonic, operands }: Statement): number {
    switch (mnemonic) {
      case '':
        return 0;
      case 'la':
        return 2;
      case 'li':
        return this.liWords(0, this.constant(operands[1])).length;
      case '.word':
        return operands.length;
      case '.space':
        return Math.ceil(this.inRange(this.constant(operands[0]), 0, 1 << 20, 'size') / 4);
      case '.asciz':
        return Math.ceil((this.text(operands[0]).length + 1) / 4);
      default:
        return 1;
    }
  }

  private emit(statement: Statement): void {
    const { mnemonic, operands } = statement;
    switch (mnemonic) {
      case '':
        return;
      case '.word':
        for (const operand of operands) this.words.push(this.constantOrLabel(operand) | 0);
        return;
      case '.space':
        for (let left = this.wordCount(statement); left > 0; left--) this.words.push(0);
        return;
      case '.asciz':
        this.emitText(this.text(operands[0]), this.wordCount(statement));
        return;
      default:
        this.emitInstruction(mnemonic, operands);
    }
  }

  private text(operand: string | undefined): string {
    return stringFromLiteral(operand ?? '') ?? this.fail('.asciz needs one "quoted ASCII text"');
  }

  private emitText(text: string, wordCount: number): void {
    const bytes = Buffer.alloc(4 * wordCount);
    bytes.write(text, 'latin1');
    for (let word = 0; word < wordCount; word++) this.words.push(bytes.readInt32LE(4 * word));
  }

  private emitInstruction(mnemonic: string, operands: readonly string[]): void {
    if (mnemonic === 'li') {
      this.expect(operands, 2);
      this.words.push(...this.liWords(this.register(operands[0]), this.constant(operands[1])));
      return;
    }
    if (mnemonic === 'la') {
      this.expect(operands, 2);
      const rd = this.register(operands[0]) << 7;
      const distance = (this.constantOrLabel(operands[1]) - this.here()) | 0;
      this.words.push(AUIPC | rd | (upperFromConstant(distance) << 12));
      this.words.push(ADDI | rd | (rd << 8) | (lowerFromConstant(distance) << 20));
      return;
    }
    const [plain, rewritten] = expandPseudo(mnemonic, operands);
    const suffix = [...ORDERINGS.keys()].find((ordering) => plain.endsWith(`.w${ordering}`)) ?? '';
    const encoding = ENCODINGS.get(plain.slice(0, plain.length - suffix.length));
    if (encoding === undefined) this.fail(`there is no instruction "${mnemonic}"`);
    this.words.push(this.encode(encoding, rewritten) | (ORDERINGS.get(suffix) ?? 0));
  }

  /** One word where the upper or the lower part alone is enough, else two. */
  private liWords(rd: number, value: number): number[] {
    const lower = lowerFromConstant(value);
    const addi = ADDI | (rd << 7) | (lower << 20);
    if (lower === (value | 0)) return [addi];
    const lui = LUI | (rd << 7) | (upperFromConstant(value) << 12);
    return lower === 0 ? [lui] : [lui, addi | (rd << 15)];
  }

  private here(): number {
    return this.origin + 4 * this.words.length;
  }

  private encode({ format, bits }: Encoding, operands: readonly string[]): number {
    const [first, second, third] = operands;
    this.expect(operands, OPERAND_COUNTS[format]);
    switch (format) {
      case 'fixed':
        return bits;
      case 'register':
        return bits | this.rd(first) | this.rs1(second) | this.rs2(third);
      case 'immediate':
        return bits | this.rd(first) | this.rs1(second) | this.immediate(this.constant(third));
      case 'shift':
        return (
          bits |
          this.rd(first) |
          this.rs1(second) |
          (this.inRange(this.constant(third), 0, 31, 'shift') << 20)
        );
      case 'load': {
        const [offset, base] = this.indirect(second);
        return bits | this.rd(first) | (base << 15) | this.immediate(offset);
      }
      case 'store': {
        const [offset, base] = this.indirect(second);
        const immediate = this.immediate(offset);
        return bits | this.rs2(first) | (base << 15) | ((immediate >> 25) << 25) | ((offset & 0x1f) << 7);
      }
      case 'branch':
        return bits | this.rs1(first) | this.rs2(second) | branchField(this.distance(third, 1 << 12));
      case 'upper':
        return (
          bits | this.rd(first) | (this.inRange(this.constant(second), 0, 0xfffff, 'upper immediate') << 12)
        );
      case 'jump':
        return bits | this.rd(first) | jumpField(this.distance(second, 1 << 20));
      case 'reserve':
        return bits | this.rd(first) | (this.address(second) << 15);
      case 'atomic':
        return bits | this.rd(first) | this.rs2(second) | (this.address(third) << 15);
      case 'csr':
        return bits | this.rd(first) | this.csr(second) | this.rs1(third);
      case 'csr-immediate':
        return (
          bits |
          this.rd(first) |
          this.csr(second) |
          (this.inRange(this.constant(third), 0, 31, 'value') << 15)
        );
    }
  }

  private expect(operands: readonly string[], count: number): void {
    if (operands.length !== count) this.fail(`needs ${count} operands, has ${operands.length}`);
  }

  private register(operand: string | undefined): number {
    return REGISTER_NAMES.get(operand ?? '') ?? this.fail(`"${operand}" is not a register`);
  }
  private rd(operand: string | undefined): number {
    return this.register(operand) << 7;
  }
  private rs1(operand: string | undefined): number {
    return this.register(operand) << 15;
  }
  private rs2(operand: string | undefined): number {
    return this.register(operand) << 20;
  }
  private csr(operand: string | undefined): number {
    return (CSR_NAMES.get(operand ?? '') ?? this.inRange(this.constant(operand), 0, 0xfff, 'CSR')) << 20;
  }
  private immediate(value: number): number {
    return this.inRange(value, -2048, 2047, 'immediate') << 20;
  }

  /** `8(sp)`: offset and register. */
  private indirect(operand = ''): readonly [offset: number, base: number] {
    const match = /^(.*)\((\w+)\)$/.exec(operand);
    if (match === null) this.fail(`"${operand}" is not of the form offset(register)`);
    return [match[1] === '' ? 0 : this.constant(match[1]), this.register(match[2])];
  }

  /** `(sp)`: the A extension has no offset. */
  private address(operand: string | undefined): number {
    const [offset, base] = this.indirect(operand);
    return offset === 0 ? base : this.fail('an atomic instruction takes no offset');
  }

  private distance(operand: string | undefined, limit: number): number {
    const distance = (this.constantOrLabel(operand) - this.here()) | 0;
    if ((distance & 1) !== 0) this.fail(`target ${operand} is at an odd address`);
    return this.inRange(distance, -limit, limit - 2, 'distance');
  }

  private constantOrLabel(operand: string | undefined): number {
    return this.labels.get(operand ?? '') ?? this.constant(operand);
  }

  private constant(operand = ''): number {
    const character = /^'(.)'$/.exec(operand);
    if (character !== null) return character[1]!.charCodeAt(0);
    if (/^-?(0x[0-9a-f]+|\d+)$/i.test(operand)) {
      const magnitude = Number(operand.replace('-', ''));
      return this.inRange(
        operand.startsWith('-') ? -magnitude : magnitude,
        -(2 ** 31),
        2 ** 32 - 1,
        'number',
      );
    }
    return this.symbols.get(operand) ?? this.fail(`"${operand}" is neither a number nor a symbol`);
  }

  private inRange(value: number, first: number, last: number, what: string): number {
    if (value < first || value > last) this.fail(`${what} ${value} is outside ${first}..${last}`);
    return value;
  }
}
