/**
 * Documents that were once right: captures with a few edits, each of one value somewhere in the tree, and then
 * perhaps of the text. Numbers are kept as text, so that they can be what JSON.parse would round.
 */
import fc from 'fast-check';

type Json = null | boolean | number | string | RawNumber | Json[] | { [key: string]: Json };

/** Digits as they are to stand in the text. */
class RawNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** What is put in place of a value. */
const replacement: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(null, true, false, 0, -1, 1.5, '', '0x', '0x0', '-0x1', '0xg', '0x10000000000000000'),
  fc.constantFrom<Json>('0xffffffffffffffff', '0x10000000000000001', `0x${'f'.repeat(40)}`, '__proto__'),
  fc.constantFrom<Json>(
    'constructor',
    'a\0b',
    '\ud800',
    '\u202e',
    '\x1b[2J',
    'a\nb',
    'alias',
    'ram',
    'container',
  ),
  fc
    .constantFrom('1e400', '-0', '1e-400', '9007199254740993', '18446744073709551616', '1E2')
    .map((text): Json => new RawNumber(text)),
  fc.constantFrom<Json>([], {}, [[]], [null], { __proto__: null }),
  fc.integer().map((number): Json => number),
  fc.string({ unit: 'binary', maxLength: 8 }).map((text): Json => text),
);

interface Edit {
  /** Which turn to take at each level, until one says stop. */
  readonly path: readonly number[];
  readonly kind: 'replace' | 'drop' | 'duplicate' | 'swap' | 'copy from elsewhere' | 'rename';
  readonly value: Json;
  readonly other: number;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  path: fc.array(fc.nat(999), { minLength: 1, maxLength: 6 }),
  kind: fc.constantFrom('replace', 'replace', 'drop', 'duplicate', 'swap', 'copy from elsewhere', 'rename'),
  value: replacement,
  other: fc.nat(999),
});

const isTree = (value: Json | undefined): value is Json[] | { [key: string]: Json } =>
  typeof value === 'object' && value !== null && !(value instanceof RawNumber);

/** Keys of an array or an object. */
const keysOf = (tree: Json): string[] => (isTree(tree) ? Object.keys(tree) : []);

/** Sets a property of its own, also one that is called __proto__. */
const put = (tree: Json, key: string, value: Json): void =>
  void Object.defineProperty(tree, key, { value, writable: true, enumerable: true, configurable: true });

function apply(root: Json, { path, kind, value, other }: Edit): void {
  let tree = root;
  let key = '';
  for (const turn of path) {
    const keys = keysOf(tree);
    if (keys.length === 0) return;
    key = keys[turn % keys.length]!;
    const next = (tree as Record<string, Json>)[key];
    if (!isTree(next) || turn % 5 === 0) break;
    tree = next;
  }
  if (!isTree(tree) || !Object.hasOwn(tree, key)) return;
  const at = Number(key);
  const record = tree as Record<string, Json>;
  const keys = keysOf(tree);
  const elsewhere = keys[other % keys.length]!;
  if (kind === 'replace') put(tree, key, value);
  else if (kind === 'drop') Array.isArray(tree) ? tree.splice(at, 1) : delete record[key];
  else if (kind === 'duplicate' && Array.isArray(tree)) tree.splice(other % tree.length, 0, tree[at]!);
  else if (kind === 'swap' || kind === 'duplicate') {
    const before = record[key]!;
    put(tree, key, record[elsewhere]!);
    put(tree, elsewhere, before);
  } else if (kind === 'copy from elsewhere') put(tree, key, record[elsewhere]!);
  else if (!Array.isArray(tree)) put(tree, typeof value === 'string' ? value : 'other', record[key]!);
}

/** JSON.stringify with raw numbers; edits copy references, but make no cycle: a value is never put below itself. */
function textOf(value: Json, budget = { left: 2_000_000 }): string {
  budget.left -= 1;
  if (budget.left < 0) return 'null';
  if (value instanceof RawNumber) return value.text;
  if (Array.isArray(value)) return `[${value.map((element) => textOf(element, budget)).join(',')}]`;
  if (!isTree(value)) return JSON.stringify(value);
  return `{${Object.keys(value)
    .map((key) => `${JSON.stringify(key)}: ${textOf(value[key]!, budget)}`)
    .join(',\n')}}`;
}

interface TextEdit {
  readonly at: number;
  readonly removed: number;
  readonly added: string;
}

const textEdit: fc.Arbitrary<TextEdit> = fc.record({
  at: fc.nat(),
  removed: fc.oneof(fc.nat(3), fc.nat(2000)),
  added: fc.oneof(
    fc.constantFrom(
      '',
      '{',
      '[',
      ']',
      '}',
      '"',
      '\\',
      '\0',
      ',',
      ':',
      '1e400',
      '\ufeff',
      '\ud800',
      '//',
      '-',
    ),
    fc.constantFrom('['.repeat(100_000), '{"a":'.repeat(100_000), '"'.padEnd(100_000, 'x')),
    fc.string({ unit: 'binary', maxLength: 4 }),
  ),
});

export function editText(text: string, edits: readonly TextEdit[]): string {
  let edited = text;
  for (const { at, removed, added } of edits) {
    const from = at % (edited.length + 1);
    edited = edited.slice(0, from) + added + edited.slice(from + removed);
  }
  return edited;
}

/** No edit of the text in three of four cases: a document that is no JSON says little of what reads it. */
export const textEdits: fc.Arbitrary<readonly TextEdit[]> = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(textEdit, { minLength: 1, maxLength: 3 }) },
);

/** One of the documents, with up to six edits. */
export const mutatedJson = (documents: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(...documents), fc.array(edit, { maxLength: 6 }), textEdits)
    .map(([document, edits, ofText]) => {
      const root = JSON.parse(document) as Json;
      for (const each of edits) apply(root, each);
      return editText(textOf(root), ofText);
    });
