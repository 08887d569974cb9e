/**
 * The text of `info mtree -f`: what QEMU rendered. Here it is evidence for what the tree's text leaves out.
 * Guarantee: ranges are ascending and disjoint; what is not QEMU's format throws INVALID_FLAT_TEXT with line and column.
 */
import { LineScanner, monitorLines, splitOwner } from './monitor-text.ts';

export interface FlatTextRange {
  readonly start: bigint;
  readonly last: bigint;
  readonly priority: number;
  /** Without `nv-`. */
  readonly type: string;
  readonly name: string;
  readonly offset: bigint;
}

export interface FlatTextView {
  /** Name, and what the text says of the root. */
  readonly spaces: { readonly name: string; readonly root: string }[];
  root: string | null;
  readonly ranges: FlatTextRange[];
}

const HEADING = /^FlatView #[0-9]+$/;
const SPACE = /^ AS "(.*)", root: (.*)$/;
const ROOT = /^ Root memory region: (.*)$/;

/** @throws MemoryError INVALID_FLAT_TEXT */
export function readFlatText(text: string, file: string): FlatTextView[] {
  const views: FlatTextView[] = [];
  const lines = monitorLines(text, file, 'INVALID_FLAT_TEXT', 'FlatView #NUMBER', (line) =>
    HEADING.test(line),
  );
  const withOwners = lines.some(({ text: line }) => / (owner|parent):\{.*\}$/.test(line));
  for (const { text: line, number } of lines) {
    const scanner = new LineScanner(file, 'INVALID_FLAT_TEXT', number, line);
    if (HEADING.test(line)) views.push({ spaces: [], root: null, ranges: [] });
    else if (line.trim() !== '' && line !== '  No rendered FlatView')
      readViewLine(views.at(-1)!, scanner, withOwners);
  }
  return views;
}

function readViewLine(view: FlatTextView, scanner: LineScanner, withOwners: boolean): void {
  const line = scanner.rest();
  const space = SPACE.exec(line);
  if (space !== null) {
    view.spaces.push({ name: space[1]!, root: space[2]! });
    return;
  }
  const root = ROOT.exec(line);
  if (root !== null) {
    view.root = root[1] === '(none)' ? null : root[1]!;
    return;
  }
  if (/^ {2}Dispatch$|^ {4}|^\t/.test(line)) return; // the extra lines of -d
  view.ranges.push(readRange(view.ranges.at(-1), scanner, withOwners));
}

function readRange(
  before: FlatTextRange | undefined,
  scanner: LineScanner,
  withOwners: boolean,
): FlatTextRange {
  scanner.take(/ {2}/y, 'two spaces and a range, or a line of the view');
  const start = BigInt(`0x${scanner.take(/[0-9a-f]{16}/y, 'an address of 16 hex digits')}`);
  scanner.take(/-/y, "'-'");
  const last = BigInt(`0x${scanner.take(/[0-9a-f]{16}/y, 'an address of 16 hex digits')}`);
  if (last < start || (before !== undefined && start <= before.last))
    scanner.fail('ranges must ascend without overlap', 3);
  scanner.take(/ \(prio /y, "' (prio '");
  const priority = scanner.priority();
  const type = scanner
    .take(/, (?:nv-)?(?:i\/o|ramd|ram|romd|rom)\): /y, "', TYPE): '")
    .replace(/^, (?:nv-)?|\): $/g, '');
  const { rest } = splitOwner(scanner.rest(), withOwners);
  const match = /^(.*?)(?: @([0-9a-f]{16}))?(?: KVM)*$/.exec(rest);
  return { start, last, priority, type, name: match?.[1] ?? rest, offset: BigInt(`0x${match?.[2] ?? '0'}`) };
}
