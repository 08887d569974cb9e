/**
 * The text of `info mtree`, line by line: sections, each with the tree of lines under it. Nothing is guessed here
 * but the place of lines whose disabled parent was not printed.
 * Guarantee: what is returned is within bounds; what is not QEMU's format throws INVALID_MTREE_TEXT with line and column.
 */
import { SIZE_2_64 } from '../base/addresses.ts';
import { MemoryError } from '../base/errors.ts';
import { DEPTH_MAX } from '../model/visit-budget.ts';
import { LineScanner, monitorLines, splitOwner } from './monitor-text.ts';
import { REGIONS_MAX } from './region-record.ts';

export type TextType = 'ram' | 'rom' | 'romd' | 'ramd' | 'i/o' | 'container';

export interface TextNode {
  readonly line: number;
  readonly level: number;
  readonly start: bigint;
  /** 1 may also stand for 0: both print alike. */
  readonly size: bigint;
  readonly priority: number;
  readonly nonvolatile: boolean;
  /** Of an alias, that of what it shows in the end. */
  readonly type: TextType;
  readonly name: string;
  readonly alias: { readonly target: string; readonly offset: bigint } | null;
  readonly disabled: boolean;
  readonly owner: string | null;
  /** Stands for a disabled region that was not printed, though its children were. */
  readonly unprinted: boolean;
  /** As printed: by address. */
  readonly children: TextNode[];
}

export interface TextSection {
  readonly kind: 'address-space' | 'memory-region';
  /** Of the address spaces with this root; of the region. */
  readonly names: string[];
  readonly line: number;
  root: TextNode | null;
}

/** How many places of ` @` in one line are tried. */
const SPLITS_MAX = 64;
const HEADING = /^(address-space|memory-region): (.*)$/;
const ALIAS = /^alias (.* @.*) ([0-9a-f]{16})-([0-9a-f]{16})$/;

/** @throws MemoryError INVALID_MTREE_TEXT */
export function readMtreeText(text: string, file: string): TextSection[] {
  const sections: TextSection[] = [];
  const lines = monitorLines(text, file, 'INVALID_MTREE_TEXT', 'address-space: or memory-region:', (line) =>
    HEADING.test(line),
  );
  const withOwners = lines.some(({ text: line }) => / (owner|parent):\{.*\}$/.test(line));
  const targets = new Set(lines.map(({ text: line }) => HEADING.exec(line)?.[2]));
  let nodeCount = 0;
  let builder: TreeBuilder | null = null;
  for (const { text: line, number } of lines) {
    const scanner: LineScanner = new LineScanner(file, 'INVALID_MTREE_TEXT', number, line);
    const heading = HEADING.exec(line);
    if (line.trim() === '') {
      builder = null;
    } else if (heading !== null) {
      const section = openSection(sections, builder, heading[1] as TextSection['kind'], heading[2]!, number);
      if (section !== sections.at(-1)) sections.push(section);
      builder = new TreeBuilder(section);
    } else {
      if (builder === null)
        scanner.fail('a region outside any section; a line "address-space: NAME" must come first');
      if (++nodeCount > REGIONS_MAX) scanner.fail(`more than ${REGIONS_MAX} lines of regions`);
      builder.add(readNode(scanner, withOwners, targets), scanner);
    }
  }
  const printsDisabled = lines.some(
    ({ text: line }) => line.endsWith(' [disabled]') || line.includes(' [disabled] '),
  );
  for (const section of sections) completeRoot(section, printsDisabled, file);
  return sections;
}

/** A disabled root is not printed without -D, with or without children that are. */
function completeRoot(section: TextSection, printsDisabled: boolean, file: string): void {
  const { kind, names, line, root } = section;
  if (root === null && printsDisabled) {
    throw new MemoryError(
      'INVALID_MTREE_TEXT',
      `${file}:${line}:1: a section without its tree; give the whole text`,
    );
  }
  const unprinted = root ?? unprintedFor(line, undefined, 1);
  if (!unprinted.unprinted || kind === 'address-space') section.root = unprinted;
  else section.root = { ...unprinted, name: names[0]! };
}

/** All nodes under `node`, in the order of the text. */
export function* below(node: TextNode): Iterable<TextNode> {
  const stack = node.children.toReversed();
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    yield next;
    for (const child of next.children.toReversed()) stack.push(child);
  }
}

/** Consecutive address-space lines share one tree. */
function openSection(
  sections: readonly TextSection[],
  builder: TreeBuilder | null,
  kind: TextSection['kind'],
  name: string,
  line: number,
): TextSection {
  const previous = sections.at(-1);
  const goesOn =
    builder !== null &&
    previous?.kind === 'address-space' &&
    kind === 'address-space' &&
    previous.root === null;
  if (!goesOn || previous === undefined) return { kind, names: [name], line, root: null };
  previous.names.push(name);
  return previous;
}

function readNode(
  scanner: LineScanner,
  withOwners: boolean,
  targets: ReadonlySet<string | undefined>,
): TextNode {
  scanner.take(/(?:\[DETECTED OVERFLOW!\] )*/y, '');
  const indentation = scanner.take(/ */y, '').length;
  if (indentation === 0 || indentation % 2 !== 0)
    scanner.fail(`indented by ${indentation}; levels are two spaces each`);
  const start = BigInt(`0x${scanner.take(/[0-9a-f]{16}/y, 'an address of 16 hex digits')}`);
  scanner.take(/-/y, "'-'");
  const last = BigInt(`0x${scanner.take(/[0-9a-f]{16}/y, 'an address of 16 hex digits')}`);
  scanner.take(/ \(prio /y, "' (prio '");
  const priority = scanner.priority();
  scanner.take(/, /y, "', '");
  const nonvolatile = scanner.take(/(?:nv-)?/y, '') !== '';
  const type = scanner.take(
    /i\/o|container|ramd|ram|romd|rom/y,
    'a type: i/o, container, ram, ramd, rom or romd',
  ) as TextType;
  scanner.take(/\): /y, "'): '");
  const nameColumn = scanner.column;
  const { rest, owner } = splitOwner(scanner.rest(), withOwners);
  const disabled = rest.endsWith(' [disabled]');
  const description = disabled ? rest.slice(0, -' [disabled]'.length) : rest;
  const size = BigInt.asUintN(64, last - start) + 1n;
  const alias = readAlias(scanner, nameColumn, description, size);
  const names = alias && splitNames(alias.names, targets);
  return {
    line: scanner.line,
    level: indentation / 2,
    start,
    size,
    priority,
    nonvolatile,
    type,
    name: names?.name ?? description,
    alias: alias && names && { target: names.target, offset: alias.offset },
    disabled,
    owner,
    unprinted: false,
    children: [],
  };
}

/** `NAME @TARGET` and offset of an alias; null for any other region. */
function readAlias(
  scanner: LineScanner,
  column: number,
  description: string,
  size: bigint,
): { names: string; offset: bigint } | null {
  const match = ALIAS.exec(description);
  if (match === null) return null;
  const offset = BigInt(`0x${match[2]!}`);
  if (BigInt.asUintN(64, BigInt(`0x${match[3]!}`) - offset) + 1n !== size) {
    scanner.fail('the alias shows another number of bytes than it covers', column);
  }
  return { names: match[1]!, offset };
}

/** Names may contain ` @`: the last one counts after which the name of a section follows. */
function splitNames(
  names: string,
  targets: ReadonlySet<string | undefined>,
): { name: string; target: string } {
  const last = names.lastIndexOf(' @');
  let at = last;
  for (
    let tries = 0;
    at !== -1 && tries < SPLITS_MAX;
    tries++, at = at === 0 ? -1 : names.lastIndexOf(' @', at - 1)
  ) {
    const target = names.slice(at + 2);
    if (targets.has(target)) return { name: names.slice(0, at), target };
  }
  return { name: names.slice(0, last), target: names.slice(last + 2) };
}

/** Hangs the lines of one section under each other by their indentation. */
class TreeBuilder {
  private readonly section: TextSection;
  /** The path to the line added last; element i has level i + 1. */
  private readonly path: TextNode[] = [];

  constructor(section: TextSection) {
    this.section = section;
  }

  add(node: TextNode, scanner: LineScanner): void {
    if (node.level > DEPTH_MAX) scanner.fail(`nested more than ${DEPTH_MAX} deep`);
    this.path.length = Math.min(this.path.length, node.level - 1);
    // An alias has no children: these belong to a disabled sibling that was not printed.
    if (this.path.at(-1)?.alias) this.path.pop();
    while (this.path.length < node.level - 1)
      this.push(unprintedFor(node.line, this.path.at(-1), this.path.length + 1), scanner);
    this.push(node, scanner);
  }

  private push(node: TextNode, scanner: LineScanner): void {
    const parent = this.path.at(-1);
    if (parent !== undefined) parent.children.push(node);
    else if (this.section.root === null) this.section.root = node;
    else scanner.fail('a second root in one section; an empty line must come between sections');
    this.path.push(node);
  }
}

const unprintedFor = (line: number, parent: TextNode | undefined, level: number): TextNode => ({
  line,
  level,
  start: parent?.start ?? 0n,
  size: SIZE_2_64,
  priority: 0,
  nonvolatile: false,
  type: 'i/o',
  name: 'not printed',
  alias: null,
  disabled: true,
  owner: null,
  unprinted: true,
  children: [],
});
