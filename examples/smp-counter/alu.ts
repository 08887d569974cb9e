/**
 * Arithmetic of RV32IM on int32 values, as pure functions. Nothing here knows of registers or memory.
 * `null` means that the instruction word has no meaning.
 * @source The RISC-V Instruction Set Manual, volume I: "RV32I", "M" (division by zero, overflow)
 */

/** Bit 30 of the word: tells sub from add and sra from srl. */
const ALTERNATE = 0x20;
const MUL_DIV = 0x01;

/** OP: both operands from registers. */
export function registerOperation(funct3: number, funct7: number, a: number, b: number): number | null {
  if (funct7 === 0) return baseOperation(funct3, a, b);
  if (funct7 === MUL_DIV) return mulDivOperation(funct3, a, b);
  if (funct7 === ALTERNATE && funct3 === 0) return (a - b) | 0;
  if (funct7 === ALTERNATE && funct3 === 5) return a >> b;
  return null;
}

/** OP-IMM: `immediate` is the word's upper 12 bits, sign-extended; a shift has its funct7 in there. */
export function immediateOperation(funct3: number, a: number, immediate: number): number | null {
  if (funct3 !== 1 && funct3 !== 5) return baseOperation(funct3, a, immediate);
  const funct7 = immediate >> 5;
  if (funct7 === 0) return baseOperation(funct3, a, immediate);
  return funct7 === ALTERNATE && funct3 === 5 ? a >> immediate : null;
}

/** JavaScript takes a shift's amount modulo 32, as RV32 does. */
function baseOperation(funct3: number, a: number, b: number): number {
  switch (funct3) {
    case 0:
      return (a + b) | 0;
    case 1:
      return a << b;
    case 2:
      return a < b ? 1 : 0;
    case 3:
      return a >>> 0 < b >>> 0 ? 1 : 0;
    case 4:
      return a ^ b;
    case 5:
      return (a >>> b) | 0;
    case 6:
      return a | b;
    default:
      return a & b;
  }
}

function mulDivOperation(funct3: number, a: number, b: number): number {
  switch (funct3) {
    case 0:
      return Math.imul(a, b);
    case 1:
      return (upperProduct(a, b) - (a < 0 ? b : 0) - (b < 0 ? a : 0)) | 0;
    case 2:
      return (upperProduct(a, b) - (a < 0 ? b : 0)) | 0;
    case 3:
      return upperProduct(a, b);
    case 4: // -2^31 / -1 is 2^31, which `| 0` wraps to -2^31, as the manual wants
      return b === 0 ? -1 : (a / b) | 0;
    case 5: // exact: a quotient of two uint32 is never rounded up to the next integer in a double
      return b === 0 ? -1 : ((a >>> 0) / (b >>> 0)) | 0;
    case 6:
      return b === 0 ? a : (a % b) | 0;
    default:
      return b === 0 ? a : ((a >>> 0) % (b >>> 0)) | 0;
  }
}

/** Upper half of the unsigned 64-bit product, by 16-bit digits so that every step is exact. */
function upperProduct(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carried = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + (middle >>> 16) + (carried >>> 16)) | 0;
}

/** BRANCH: whether it is taken; null for the two codes without meaning. */
export function branchTaken(funct3: number, a: number, b: number): boolean | null {
  switch (funct3) {
    case 0:
      return a === b;
    case 1:
      return a !== b;
    case 4:
      return a < b;
    case 5:
      return a >= b;
    case 6:
      return a >>> 0 < b >>> 0;
    case 7:
      return a >>> 0 >= b >>> 0;
    default:
      return null;
  }
}

/** AMOMIN, AMOMAX and their unsigned forms, by funct5. */
export function selectExtreme(funct5: number, memory: number, register: number): number {
  switch (funct5) {
    case 0x10:
      return Math.min(memory, register);
    case 0x14:
      return Math.max(memory, register);
    case 0x18:
      return memory >>> 0 < register >>> 0 ? memory : register;
    default:
      return memory >>> 0 > register >>> 0 ? memory : register;
  }
}
