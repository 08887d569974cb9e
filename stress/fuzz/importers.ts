/** Files that are read: layouts, sequences, text of QEMU's monitor. All of them are captures with edits. */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { MemoryError, MemoryErrorCode } from '../../src/base/errors.ts';
import type { AddressSpace } from '../../src/model/address-space.ts';
import { flatJsonOf } from '../../src/qemu/flat-json.ts';
import { buildLayout, parseLayout } from '../../src/qemu/layout-file.ts';
import { LiveLayout } from '../../src/qemu/live-layout.ts';
import { importMtree } from '../../src/qemu/mtree-parser.ts';
import { printFlatViews, printMtree } from '../../src/qemu/mtree-printer.ts';
import { ramBlocksOfRegions } from '../../src/qemu/ram-blocks.ts';
import { parseSequence } from '../../src/qemu/sequence-file.ts';
import { treeState } from '../../test/support/tree-state.ts';
import { editText, mutatedJson, textEdits } from './mutated-json.ts';
import { type FuzzTarget, must, mustBeOneLine, refusalOf } from './target.ts';

const at = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const FILE = 'fuzzed.json';

/** What rendering may say of a tree that was read without fault. */
const OF_RENDERING: readonly MemoryErrorCode[] = ['ALIAS_CYCLE', 'RENDER_TOO_DEEP', 'RENDER_TOO_LARGE'];

function mustBeOf(refusal: MemoryError, code: MemoryErrorCode): void {
  mustBeOneLine(refusal);
  must(refusal.code === code, `a file is refused with ${code}, not ${refusal.code}`);
  must(refusal.message.includes(FILE), `the message names the file: ${refusal.message}`);
}

/** Everything that commands do with a layout. */
function show(addressSpaces: readonly AddressSpace[]): void {
  for (const print of [
    () => flatJsonOf(addressSpaces),
    () => printMtree(addressSpaces, { showDisabled: true, showOwners: true }),
    () => printFlatViews(addressSpaces, { dispatchPageBits: 12 }),
  ]) {
    const refusal = refusalOf(print);
    if (refusal !== null)
      must(OF_RENDERING.includes(refusal.code), `rendering is refused with ${refusal.code}`);
  }
}

/** Children one in another, and aliases one of another, far deeper than anything is nested. */
const deepLayout = fc
  .tuple(fc.integer({ min: 2, max: 3000 }), fc.boolean(), fc.boolean())
  .map(([count, byAlias, closed]) => {
    const id = (index: number): string => `r${index % count}`;
    const isLast = (index: number): boolean => index === count - 1 && !closed;
    const regions = Array.from({ length: count }, (_, index) => ({
      ...{ id: id(index), name: 'x', size: '0x10' },
      ...(isLast(index)
        ? { kind: 'ram' }
        : byAlias
          ? { kind: 'alias', alias: { target: id(index + 1), offset: 0 } }
          : { kind: 'container', children: [{ id: id(index + 1), offset: 0, priority: 0 }] }),
    }));
    return JSON.stringify({
      format: 'flatview-layout/1',
      regions,
      addressSpaces: [{ name: 'm', root: 'r0' }],
    });
  });

const smallMachines = ['s390x-ccw-virtio', 'sifive_u', 'avr-uno', 'riscv64-virt', 'realview-eb'];

export const layouts: FuzzTarget = {
  name: 'layouts',
  property: 'a layout file is read, built and printed, or refused with one line that names file and place',
  quickCases: 100,
  make: () => {
    const documents = smallMachines.map((name) => at(`machines/${name}.json`));
    const text = fc.oneof(
      { weight: 20, arbitrary: mutatedJson(documents) },
      { weight: 1, arbitrary: deepLayout },
    );
    return fc.property(text, (layout) => {
      const refusal = refusalOf(() => {
        const built = buildLayout(parseLayout(layout, FILE));
        show(built.addressSpaces);
        ramBlocksOfRegions(built.regionsById.values());
      });
      if (refusal !== null) mustBeOf(refusal, 'INVALID_LAYOUT');
    });
  },
};

/** The first steps of a capture: whole ones are hundreds of kilobytes. */
function beginning(path: string, steps: number): string {
  const sequence = JSON.parse(at(path)) as { steps: unknown[] };
  return JSON.stringify({ ...sequence, steps: sequence.steps.slice(0, steps) });
}

export const sequences: FuzzTarget = {
  name: 'sequences',
  property:
    'a sequence is applied step by step, or a step is refused and the machine is as after the one before',
  quickCases: 60,
  make: () => {
    const documents = ['malta-bars', 'sun4u-bars', 'g3beige-bars'].map((name) =>
      beginning(`test/qemu/fixtures/sequences/${name}.json`, 3),
    );
    return fc.property(mutatedJson(documents), (text) => {
      let steps: ReturnType<typeof parseSequence>['steps'] = [];
      const refusal = refusalOf(() => {
        steps = parseSequence(text, FILE).steps;
      });
      if (refusal !== null) mustBeOf(refusal, 'INVALID_SEQUENCE');
      const live = new LiveLayout();
      for (const step of steps) {
        const before = treeState(live.regionsById.values(), live.addressSpaces);
        const refused = refusalOf(() => live.apply(step));
        if (refused === null) {
          show(live.addressSpaces);
          continue;
        }
        mustBeOf(refused, 'INVALID_SEQUENCE');
        const after = treeState(live.regionsById.values(), live.addressSpaces);
        must(isDeepStrictEqual(after, before), 'a step that is refused changes nothing');
      }
    });
  },
};

interface LineEdit {
  readonly kind: 'drop' | 'duplicate' | 'swap' | 'indent' | 'number' | 'words';
  readonly line: number;
  readonly other: number;
  readonly number: string;
}

const lineEdit: fc.Arbitrary<LineEdit> = fc.record({
  kind: fc.constantFrom('drop', 'duplicate', 'swap', 'indent', 'number', 'words'),
  line: fc.nat(),
  other: fc.nat(),
  number: fc.constantFrom(
    ...['0000000000000000', 'ffffffffffffffff', '8000000000000000', '10000000000000000', 'x', '-1', ''],
    ...['2147483648', '[disabled]', ' @', 'owner:{dev id=', '}', 'alias ', '(prio 0, i/o): '],
  ),
});

function editLines(text: string, edits: readonly LineEdit[]): string {
  const lines = text.split('\n');
  for (const { kind, line, other, number } of edits) {
    const index = line % lines.length;
    const elsewhere = other % lines.length;
    const here = lines[index]!;
    if (kind === 'drop') lines.splice(index, 1);
    else if (kind === 'duplicate') lines.splice(elsewhere, 0, here);
    else if (kind === 'swap') {
      lines[index] = lines[elsewhere]!;
      lines[elsewhere] = here;
    } else if (kind === 'indent') lines[index] = ' '.repeat(other % 9) + here.trimStart();
    else if (kind === 'number')
      lines[index] = here.replace(/[0-9a-f]{16}/g, (hex, place: number) =>
        place % 3 === other % 3 ? number : hex,
      );
    else
      lines[index] =
        here.slice(0, other % (here.length + 1)) + number + here.slice(other % (here.length + 1));
    if (lines.length === 0) return '';
  }
  return lines.join('\n');
}

const mutatedLines = (text: string): fc.Arbitrary<string> =>
  fc
    .tuple(fc.array(lineEdit, { maxLength: 8 }), textEdits)
    .map(([lines, edits]) => editText(editLines(text, lines), edits));

export const monitorTexts: FuzzTarget = {
  name: 'monitor-texts',
  property:
    'text of info mtree is read, with that of info mtree -f or without, or refused with file, line and column',
  quickCases: 60,
  make: () => {
    const tree = at('test/qemu/fixtures/text/q35-amd-iommu/mtree-D.txt');
    const flat = at('test/qemu/fixtures/text/q35-amd-iommu/mtree-f.txt');
    const evidence = fc.option(mutatedLines(flat));
    return fc.property(mutatedLines(tree), evidence, (text, flatText) => {
      const refusal = refusalOf(() => {
        const named = flatText === null ? undefined : { text: flatText, file: `flat ${FILE}` };
        const { layout } = importMtree({ text, file: FILE }, named);
        show(buildLayout(layout).addressSpaces);
      });
      if (refusal === null) return;
      const isFlat = refusal.code === 'INVALID_FLAT_TEXT';
      mustBeOf(refusal, isFlat ? 'INVALID_FLAT_TEXT' : 'INVALID_MTREE_TEXT');
    });
  },
};
