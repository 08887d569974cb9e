/**
 * The tables at the head of each file in src/layout, and of others whose words threads share, are the
 * picture of shared memory; this compares them with the constants, so that the picture cannot drift.
 *
 *   a table      begins with `word name writer meaning`; its rows are number, NAME, writer, meaning
 *   a word       a constant (in src/layout an exported one) whose group of lines, without an empty line
 *                between, holds a name from a table, or whose name begins with WORD_
 *   not a word   a constant that is named for its unit: NODE_WORDS, BLOCK_BYTES, READER_COUNT_MAX
 */
import type { Fault, Source } from './project.ts';

interface Row {
  readonly word: number;
  readonly name: string;
}

const headPattern = /^ \*\s+(?:word\s+name\s+writer\s+meaning|bits\s+name\s+meaning)\s*$/;
const rowPattern = /^ \*\s+(\d+)\s+([A-Z][A-Z0-9_]*)\s+\S.*\s\S/;
const exportedPattern = /^export const ([A-Z][A-Z0-9_]*)(?::\s*\w+)? = (.+?);/;
// What only one side needs may stay private where the words are not in layout/.
const anyPattern = /^(?:export )?const ([A-Z][A-Z0-9_]*)(?::\s*\w+)? = (.+?);/;

export function layoutTableFaults({ path, text }: Source): readonly Fault[] {
  const fault = (reason: string): Fault => `${path}: ${reason}`;
  if (!text.startsWith('/**\n')) return [fault('opens with a doc comment that says who writes what')];
  const header = text.slice(0, text.indexOf('\n */')).split('\n');
  const constants = wordGroups(
    text.slice(text.indexOf('*/')),
    path.startsWith('src/layout/') ? exportedPattern : anyPattern,
  );
  const tables = tablesOf(header);
  if (tables === 0) {
    return constants.flat().length === 0 ? [] : [fault('exports numbers, but its head has no table of them')];
  }
  const { rows, faults } = rowsOf(header, fault);
  const tabled = new Map(rows.map((row) => [row.name, row.word]));
  if (tabled.size !== rows.length) faults.push(fault('a name stands in two rows'));
  const exported = new Map(constants.flat());
  for (const { name, word } of rows) {
    const value = exported.get(name);
    if (value === undefined) faults.push(fault(`the table names ${name}, which is no constant`));
    else if (value !== String(word))
      faults.push(fault(`the table puts ${name} at ${word}, the code at ${value}`));
  }
  for (const group of constants) {
    const isWords = group.some(([name]) => tabled.has(name));
    for (const [name] of group) {
      if ((isWords || name.startsWith('WORD_')) && !tabled.has(name)) {
        faults.push(fault(`${name} is exported among the words, but no table has it`));
      }
    }
  }
  return faults;
}

const tablesOf = (header: readonly string[]): number =>
  header.filter((line) => headPattern.test(line)).length;

/** The rows of all tables; within one table the words ascend. */
function rowsOf(
  header: readonly string[],
  fault: (reason: string) => Fault,
): { rows: Row[]; faults: Fault[] } {
  const rows: Row[] = [];
  const faults: Fault[] = [];
  let inTable = false;
  let last = -1;
  for (const line of header) {
    if (headPattern.test(line)) {
      inTable = /\bword\b/.test(line);
      last = -1;
    } else if (inTable && line.trim() === '*') {
      inTable = false;
    } else if (inTable) {
      const match = rowPattern.exec(line);
      if (!match) {
        faults.push(fault(`not a row of word, name, writer, meaning: ${line.trim()}`));
        continue;
      }
      const word = Number(match[1]);
      if (word <= last) faults.push(fault(`${match[2]} at ${word} stands after ${last}`));
      last = word;
      rows.push({ word, name: match[2]! });
    }
  }
  return { rows, faults };
}

/** Constants as [name, value as written], one list a group of lines. */
function wordGroups(code: string, constant: RegExp): readonly (readonly (readonly [string, string])[])[] {
  return code.split(/\n\s*\n/).map((group) =>
    group.split('\n').flatMap((line) => {
      const match = constant.exec(line);
      return match && /^-?\d|^0x/.test(match[2]!) && !/_(?:WORDS|BYTES|MAX)$/.test(match[1]!)
        ? [[match[1]!, match[2]!] as const]
        : [];
    }),
  );
}
