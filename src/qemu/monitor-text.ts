/** What the texts of QEMU's monitor have in common: line ends, echoes of the prompt, owners; and errors that name a column. */
import { MemoryError, type MemoryErrorCode } from '../base/errors.ts';

export interface MonitorLine {
  readonly text: string;
  /** From 1, in the file. */
  readonly number: number;
}

const LINES_MAX = 4_000_000;
const LINE_LENGTH_MAX = 65_536;
const PROMPT = /^\(qemu\)|^QEMU [0-9].* monitor/;

/**
 * The lines from the first that `isHeading`, without CR, up to the next prompt of the monitor.
 * @param expected what a heading looks like, for the error if there is none
 */
export function monitorLines(
  text: string,
  file: string,
  code: MemoryErrorCode,
  expected: string,
  isHeading: (line: string) => boolean,
): MonitorLine[] {
  const lines: MonitorLine[] = [];
  let number = 0;
  for (const raw of text.split('\n', LINES_MAX)) {
    number++;
    const line = raw.replace(/\r+$/, '');
    if (line.length > LINE_LENGTH_MAX) {
      throw new MemoryError(
        code,
        `${file}:${number}:${LINE_LENGTH_MAX + 1}: the line is longer than ${LINE_LENGTH_MAX}`,
      );
    }
    const echo = PROMPT.test(line);
    if (lines.length > 0) {
      if (echo) break;
      lines.push({ text: line, number });
    } else if (isHeading(line)) {
      lines.push({ text: line, number });
    } else if (!echo && line.trim() !== '') {
      throw new MemoryError(code, `${file}:${number}:1: expected ${expected}, found '${shortened(line)}'`);
    }
  }
  if (lines.length === 0) throw new MemoryError(code, `${file}:1:1: expected ${expected}, found nothing`);
  return lines;
}

/** The suffixes of -o at the end of a line. Without such suffixes in the text, ` orphan` is part of a name. */
export function splitOwner(line: string, withOwners: boolean): { rest: string; owner: string | null } {
  if (!withOwners) return { rest: line, owner: null };
  const match = /^(.*?)((?: owner:\{[^{}]*\})?(?: parent:\{[^{}]*\})?| orphan)$/.exec(line);
  const owner = match?.[2]?.trimStart() ?? '';
  return { rest: match?.[1] ?? line, owner: owner === '' || owner === 'orphan' ? null : owner };
}

/** Reads one line from left to right. */
export class LineScanner {
  readonly line: number;
  private readonly file: string;
  private readonly code: MemoryErrorCode;
  private readonly text: string;
  private index = 0;

  constructor(file: string, code: MemoryErrorCode, line: number, text: string) {
    this.file = file;
    this.code = code;
    this.line = line;
    this.text = text;
  }

  /** From 1. */
  get column(): number {
    return this.index + 1;
  }

  /** What `pattern`, which is sticky, matches here. */
  take(pattern: RegExp, expected: string): string {
    pattern.lastIndex = this.index;
    const match = pattern.exec(this.text);
    if (match === null) {
      const found = this.text.slice(this.index);
      this.fail(
        `expected ${expected}, found ${found === '' ? 'the end of the line' : `'${shortened(found)}'`}`,
      );
    }
    this.index = pattern.lastIndex;
    return match[0];
  }

  priority(): number {
    const column = this.column;
    const priority = Number(this.take(/-?[0-9]{1,10}/y, 'a priority'));
    if (priority !== (priority | 0)) this.fail('the priority does not fit in 32 bits', column);
    return priority;
  }

  rest(): string {
    return this.text.slice(this.index);
  }

  fail(what: string, column: number = this.column): never {
    throw new MemoryError(this.code, `${this.file}:${this.line}:${column}: ${what}`);
  }
}

const shortened = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);
