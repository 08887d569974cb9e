/**
 * Pseudo instructions of one word. The two that may need more, `li` and `la`, are assembler.ts's own.
 * Operands left over are passed on, so that a wrong count is noticed where all counts are checked.
 * @source RISC-V Assembly Programmer's Manual, "pseudoinstructions"
 */

/** The instruction that `mnemonic` stands for; itself where it is not a pseudo instruction. */
export function expandPseudo(
  mnemonic: string,
  operands: readonly string[],
): readonly [string, readonly string[]] {
  switch (mnemonic) {
    case 'nop':
      return ['addi', ['zero', 'zero', '0', ...operands]];
    case 'mv':
      return ['addi', [...operands, '0']];
    case 'j':
      return ['jal', ['zero', ...operands]];
    case 'call':
      return ['jal', ['ra', ...operands]];
    case 'jr':
      return ['jalr', ['zero', `(${operands.join()})`]];
    case 'ret':
      return ['jalr', ['zero', '(ra)', ...operands]];
    case 'beqz':
    case 'bnez':
      return [mnemonic.slice(0, 3), [operands[0] ?? '', 'zero', ...operands.slice(1)]];
    case 'csrr':
      return ['csrrs', [...operands, 'zero']];
    default:
      return [mnemonic, operands];
  }
}
