/**
 * JSON text to a value, and where it is not JSON, the line and column of the first offence.
 * JSON.parse of the Node versions that we support names no position, so a scanner looks for it afterwards.
 */
import { MemoryError, type MemoryErrorCode } from '../base/errors.ts';

/** @throws MemoryError with `code`, naming `file`, line and column */
export function parseJson(text: string, file: string, code: MemoryErrorCode): unknown {
  const body = text.startsWith('\uFEFF') ? text.slice(1) : text;
  try {
    return JSON.parse(body);
  } catch (cause) {
    const offence = new JsonScanner(body).firstOffence();
    const { line, column } = lineAndColumn(body, offence.index);
    throw new MemoryError(code, `${file}:${line}:${column}: not JSON: ${offence.message}`, { cause });
  }
}

/** Both count from 1; a column counts UTF-16 units. */
export function lineAndColumn(text: string, index: number): { line: number; column: number } {
  const lineStart = text.lastIndexOf('\n', index - 1) + 1;
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < lineStart; at = text.indexOf('\n', at + 1)) line++;
  return { line, column: index - lineStart + 1 };
}

interface Offence {
  readonly index: number;
  readonly message: string;
}

const SPACE = /[ \t\r\n]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const SCALAR = /true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

/** Walks JSON's grammar with a stack of its own, so nesting costs no recursion. */
class JsonScanner {
  private readonly text: string;
  private index = 0;
  /** For each open bracket, the character that closes it. */
  private readonly open: ('}' | ']')[] = [];

  constructor(text: string) {
    this.text = text;
  }

  /** Where the text, which is known not to be JSON, first leaves the grammar. */
  firstOffence(): Offence {
    let expected = this.value();
    while (expected === null && this.open.length > 0) {
      const closing = this.open.at(-1)!;
      if (this.take(closing)) this.open.pop();
      else if (this.take(',')) expected = closing === '}' ? this.member() : this.value();
      else expected = `',' or '${closing}'`;
    }
    if (expected === null) this.take('');
    const found = this.index < this.text.length ? `found ${this.shown()}` : 'found the end of the text';
    return { index: this.index, message: `expected ${expected ?? 'the end of the text'}, ${found}` };
  }

  /** Consumes a value, or the start of one up to its first scalar or empty bracket; else says what it missed. */
  private value(): string | null {
    for (;;) {
      if (this.take('{')) {
        this.open.push('}');
        if (this.peek('}')) return null;
        const missing = this.key();
        if (missing !== null) return missing;
      } else if (this.take('[')) {
        this.open.push(']');
        if (this.peek(']')) return null;
      } else {
        return this.peek('"') ? this.string() : this.match(SCALAR) ? null : 'a value';
      }
    }
  }

  private member(): string | null {
    return this.key() ?? this.value();
  }

  private key(): string | null {
    if (!this.peek('"')) return 'a name in double quotes';
    return this.string() ?? (this.take(':') ? null : "':'");
  }

  /** Consumes a string whose opening quote is next; stops at what does not belong into one. */
  private string(): string | null {
    this.index++;
    for (; this.index < this.text.length; this.index++) {
      const character = this.text[this.index]!;
      if (character === '"') {
        this.index++;
        return null;
      }
      if (character < ' ') return "'\"' or an escaped character";
      if (character !== '\\') continue;
      if (!this.match(ESCAPE)) return 'an escape sequence of JSON';
      this.index--;
    }
    return "'\"'";
  }

  private peek(character: string): boolean {
    this.match(SPACE);
    return this.text.startsWith(character, this.index);
  }

  private take(character: string): boolean {
    if (!this.peek(character)) return false;
    this.index += character.length;
    return true;
  }

  private match(pattern: RegExp): boolean {
    pattern.lastIndex = this.index;
    if (!pattern.test(this.text)) return false;
    this.index = pattern.lastIndex;
    return true;
  }

  private shown(): string {
    const character = this.text[this.index]!;
    return character < ' ' ? `the control character ${JSON.stringify(character)}` : `'${character}'`;
  }
}
