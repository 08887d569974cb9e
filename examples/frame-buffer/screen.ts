/** The lines of the picture as text. In a terminal each show() draws over the one before; elsewhere only end() does. */
import type { WriteStream } from 'node:tty';
import { COLUMNS, LINE_BYTES, LINES } from './guest.ts';

export class Screen {
  private readonly pixels: Uint8Array;
  private readonly out: WriteStream;
  private readonly lines: string[] = Array.from({ length: LINES }, () => ' '.repeat(COLUMNS));
  private isShown = false;

  constructor(pixels: Uint8Array, out: WriteStream) {
    this.pixels = pixels;
    this.out = out;
  }

  /** Takes the lines that `size` bytes from `offset` on lie in anew. @returns how many */
  draw(offset: number, size: number): number {
    const first = Math.floor(offset / LINE_BYTES);
    const end = Math.ceil((offset + size) / LINE_BYTES);
    for (let line = first; line < end; line += 1) this.lines[line] = this.textOf(line);
    return end - first;
  }

  show(): void {
    if (!this.out.isTTY) return;
    if (this.isShown) this.out.moveCursor(0, -LINES);
    this.isShown = true;
    this.print();
  }

  end(): void {
    if (!this.out.isTTY) this.print();
  }

  /** Numbers of lines whose text is not what their pixels say. */
  linesThatDiffer(): number[] {
    return [...this.lines.keys()].filter((line) => this.lines[line] !== this.textOf(line));
  }

  private print(): void {
    this.out.write(`${this.lines.join('\n')}\n`);
  }

  private textOf(line: number): string {
    let text = '';
    for (let x = 0; x < COLUMNS; x += 1) text += this.pixels[line * LINE_BYTES + 4 * x] === 0 ? ' ' : '#';
    return text;
  }
}
