/**
 * Breaks in free functions, which no method stands for: one line of a source file reads otherwise while a mutant
 * runs. Node loads the file through break-source.ts, so it must be installed before anything imports it; no file
 * on disk changes. Only the control thread is broken: what is here runs nowhere else.
 */
import { readFileSync } from 'node:fs';
import { register } from 'node:module';

interface SourceLine {
  /** From this folder. */
  readonly file: string;
  /** As it is there, once. */
  readonly line: string;
  readonly instead: string;
}

const RENDER = '../../src/render/render.ts';
const RERENDER = '../../src/render/rerender.ts';
const TOUCHED = '../../src/model/touched.ts';
const INDEX = '../../src/model/interval-index.ts';
const EDITOR = '../../src/publish/map-editor.ts';
const CELLS = '../../src/publish/cell-store.ts';
const CHANNEL = '../../src/http/access-channel.ts';

const lines: Readonly<Record<string, SourceLine>> = {
  'priority-ignored': {
    file: RENDER,
    line: 'inListOrder(a.place, b.place)',
    instead: 'b.place.number - a.place.number',
  },
  'alias-offset-not-added': {
    file: RENDER,
    line: 'base - region.aliasOffset - target.address',
    instead: 'base - target.address',
  },
  'disabled-shown': { file: RENDER, line: 'if (!region.enabled) return [];', instead: '' },
  'alias-unclipped': {
    file: RENDER,
    line: 'const clipEnd = end < above.clipEnd ? end : above.clipEnd;',
    instead: 'const clipEnd = region.aliasTarget === null && end < above.clipEnd ? end : above.clipEnd;',
  },
  'readonly-not-passed-down': {
    file: RENDER,
    line: 'readonly: above.readonly || region.readonly,',
    instead: 'readonly: region.readonly,',
  },
  'unmergeable-merged': {
    file: RENDER,
    line: '!a.unmergeable && rangesAgree(a, b)',
    instead: 'rangesAgree(a, b)',
  },
  'piece-without-offset': {
    file: RENDER,
    line: 'range.offsetInRegion + (start - range.start)',
    instead: 'range.offsetInRegion',
  },
  'rest-of-a-range-lost': {
    file: RERENDER,
    line: 'keepPieces(old, cursor, SIZE_2_64, now);',
    instead: '',
  },
  'window-not-carried-over-aliases': {
    file: TOUCHED,
    line: 'for (const alias of region.links.seenBy) pass(alias, start - alias.aliasOffset, end - alias.aliasOffset);',
    instead: '',
  },
  'window-where-it-was-in-the-child': {
    file: TOUCHED,
    line: 'pass(container, start + region.address, end + region.address)',
    instead: 'pass(container, start, end)',
  },
  'child-lost-by-the-index': {
    file: INDEX,
    line: 'if (node.right !== null && node.right.furthestEnd > furthest) furthest = node.right.furthestEnd;',
    instead: '',
  },
  'leaf-off-by-one': {
    file: EDITOR,
    line: 'const past = indexOf(last, level) + 1;',
    instead: 'const past = indexOf(last, level);',
  },
  'skips-what-was-there': {
    file: EDITOR,
    line: 'place === null ? shown : around(place, shown)',
    instead: 'shown',
  },
  'node-edited-in-place': {
    file: EDITOR,
    line: 'return this.store.node(level, entries);',
    instead:
      'if (entryIsNode(old) && entryLevel(old) === level) { this.store.words.set(entries, cellWord(entryCell(old))); return old; } return this.store.node(level, entries);',
  },
  'reference-not-counted': {
    file: CELLS,
    line: 'for (let index = 0; index < NODE_ENTRIES; index += 1) this.references[entryCell(entries[index]!)]! += 1;',
    instead: '',
  },
  'only-child-not-compared': {
    file: CELLS,
    line: 'if (sole !== ENTRY_UNASSIGNED) return NEEDS_NODE;',
    instead: 'if (sole !== ENTRY_UNASSIGNED && entryIsNode(sole)) return NEEDS_NODE;',
  },
  'what-vanished-stays': {
    file: EDITOR,
    line: 'return entryIsNode(entry) || !covers(this.window, this.extentOf(entryCell(entry)));',
    instead: 'return true;',
  },
  'posted-before-written': {
    file: CHANNEL,
    line: 'const headWord = ring.recordWord(head);',
    instead:
      'const headWord = ring.recordWord(head); Atomics.store(words, ring.RING_POSTED, (head + count + 1) | 0);',
  },
  'dozer-unrung': {
    file: CHANNEL,
    line: 'if (Atomics.load(this.words, ring.RING_DOZING) !== 0) this.vcpu.kick();',
    instead: '',
  },
  'service-sleeps-unsaid': {
    file: CHANNEL,
    line: 'Atomics.store(words, ring.RING_AWAITED, 1);',
    instead: '',
  },
};

export const brokenInSource: readonly string[] = Object.keys(lines);

const urlOf = ({ file }: SourceLine): URL => new URL(file, import.meta.url);

/** To call before src/ is imported. A mutant that breaks something else is left alone. */
export function breakInSource(mutant: string | null): void {
  const broken = mutant === null ? undefined : lines[mutant];
  if (broken === undefined) return;
  const data = { url: urlOf(broken).href, text: brokenText(broken) };
  register('./break-source.ts', { parentURL: import.meta.url, data });
}

/** Tries that the mutant still finds its line. @throws Error if the code has moved away from under it */
export function tryBreakInSource(mutant: string): void {
  const broken = lines[mutant];
  if (broken !== undefined) brokenText(broken);
}

function brokenText(broken: SourceLine): string {
  const { file, line, instead } = broken;
  const parts = readFileSync(urlOf(broken), 'utf8').split(line);
  if (parts.length === 2) return parts.join(instead);
  throw new Error(
    `${file} has '${line}' ${parts.length - 1} times: the mutant that breaks it is out of date`,
  );
}
