/**
 * Assembler text as statements: labels, mnemonics and operands apart, comments gone.
 * Knows nothing of instructions; whether a mnemonic or an operand means anything is assembler.ts's matter.
 */
export interface Statement {
  /** Counted from 1. */
  readonly line: number;
  readonly label: string | null;
  /** Lower case; empty where the line has only a label. */
  readonly mnemonic: string;
  readonly operands: readonly string[];
}

const LABEL = /^\s*([A-Za-z_]\w*):/;
const STRING_OR_COMMENT = /("(?:[^"\\]|\\.)*"|'.')|#.*/g;

/** One statement for each line that has a label, an instruction or data. */
export function parseSource(source: string): Statement[] {
  const statements: Statement[] = [];
  for (const [index, text] of source.split('\n').entries()) {
    const code = text.replace(STRING_OR_COMMENT, (_, literal: string | undefined) => literal ?? '');
    const label = LABEL.exec(code);
    const rest = code.slice(label?.[0].length ?? 0).trim();
    if (label === null && rest === '') continue;
    const [, mnemonic = '', operands = ''] = /^(\S*)\s*(.*)$/.exec(rest) ?? [];
    statements.push({
      line: index + 1,
      label: label?.[1] ?? null,
      mnemonic: mnemonic.toLowerCase(),
      operands: splitOperands(operands),
    });
  }
  return statements;
}

/** At the commas, but not inside of a literal. */
function splitOperands(operands: string): string[] {
  if (operands.trim() === '') return [];
  if (operands.startsWith('"')) return [operands];
  return operands.split(/,(?!')/).map((operand) => operand.trim());
}

/** The text that a quoted literal stands for; null where it is not one, or not ASCII. */
export function stringFromLiteral(literal: string): string | null {
  if (!/^"[\x20-\x7e]*"$/.test(literal)) return null;
  try {
    return JSON.parse(literal) as string;
  } catch {
    return null;
  }
}
