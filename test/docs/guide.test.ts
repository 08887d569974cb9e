/** What docs/GUIDE.md shows is what runs: its code, what that prints, its links, and every name in its tables. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { runProgram } from '../support/run-program.ts';
import { typeScriptUnder } from '../tidy/project.ts';

const project = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, project), 'utf8');
const guide = read('docs/GUIDE.md');

interface Block {
  readonly language: string;
  /** What stands behind the language: whose text it is. */
  readonly source: string;
  readonly text: string;
}

const blocks: readonly Block[] = [...guide.matchAll(/^```(\w+) ?(.*)\n([\s\S]*?)^```/gm)].map(
  ([, language, source, text]) => ({ language: language!, source: source!, text: text! }),
);
const inLanguage = (language: string): Block[] => blocks.filter((block) => block.language === language);

/** Whether `excerpt` is whole lines of `text`, one after the other, with or without what they are indented by. */
const isExcerpt = (excerpt: string, text: string): boolean =>
  ['', '  ', '    '].some((indent) => `\n${text}`.includes(`\n${excerpt.replaceAll(/^(?=.)/gm, indent)}`));

describe('code in the guide', () => {
  test('is there, in no language but those that are looked at', () => {
    expect(new Set(blocks.map(({ language }) => language))).toEqual(new Set(['ts', 'console', 'mermaid']));
    expect(inLanguage('ts').length).toBeGreaterThan(8);
  });

  test.each(inLanguage('ts'))('is an excerpt of $source, which npm run examples runs', ({ source, text }) => {
    expect(isExcerpt(text, read(source)), text).toBe(true);
    expect(existsSync(new URL('main.ts', new URL(source, project))), source).toBe(true);
  });

  test('an excerpt that is changed, or skips a line, is not taken for one', () => {
    const text = 'one\n  two\n  three\n';
    expect(isExcerpt('  two\n  three\n', text)).toBe(true);
    expect(isExcerpt('two\nthree\n', text)).toBe(true);
    expect(isExcerpt('one\n  three\n', text)).toBe(false);
    expect(isExcerpt('wo\n', text)).toBe(false);
  });

  test('shows every line of its program from the first region on, but the closing of blocks', () => {
    const program = read('examples/guide/main.ts');
    const shown = inLanguage('ts').flatMap(({ text }) => text.split('\n'));
    const lines = program.slice(program.indexOf('\n\nconst ram')).split('\n');
    expect(lines.filter((line) => !shown.includes(line))).toEqual([]);
  });

  test.each<[example: string, alsoPrints: RegExp]>([
    ['examples/guide', /^turns \[ 10000, 10000 \]/m],
    [
      'examples/debugging',
      /^(?:a view of 'system' with 2 sections\n){2}(?:vCPU 0 passes no checkpoint; others wait\n)+device/,
    ],
  ])('%s prints what the guide says', async (example, alsoPrints) => {
    const { stdout, status } = await runProgram(`${example}/main.ts`);
    const said = inLanguage('console').filter(({ source }) => source === example);
    expect(said.length).toBeGreaterThan(0);
    for (const { text } of said) expect(stdout).toContain(text);
    expect(stdout).toMatch(alsoPrints);
    expect(status).toBe(0);
  });
});

describe('the guide', () => {
  test('links only to what is there', () => {
    const links = [...guide.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, target]) => target!);
    expect(links.length).toBeGreaterThan(5);
    for (const target of links)
      expect(existsSync(new URL(target, new URL('docs/', project))), target).toBe(true);
  });

  test('links only to headings that it has', () => {
    const anchorOf = (heading: string): string =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w -]/g, '')
        .replaceAll(' ', '-');
    const anchors = [...guide.matchAll(/^## (.*)$/gm)].map(([, heading]) => anchorOf(heading!));
    expect([...guide.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor)).toEqual(anchors);
  });

  test('names paths and benchmark rows that exist', () => {
    const paths = [...guide.matchAll(/`((?:src|test|examples)\/[\w./-]+)`/g)].map(([, path]) => path!);
    expect(paths.filter((path) => !existsSync(new URL(path, project)))).toEqual([]);
    const rows = [...guide.matchAll(/`(mmio\/[\w-]+)`/g)].map(([, row]) => row!);
    expect(rows.length).toBeGreaterThan(6);
    const bench = read('bench/mmio.ts');
    expect(rows.filter((row) => !bench.includes(`'${row}'`))).toEqual([]);
  });
});

describe('the table for those who come from QEMU', () => {
  const table = guide.slice(guide.indexOf('| QEMU | Flatview |')).split('\n').slice(2);
  const rows = table.map((line) => line.split(' | ')).filter((cells) => cells.length === 2);
  const ours = rows.flatMap(([, cell]) =>
    [...cell!.matchAll(/`([\w.]+)(?:\(\))?`/g)].map(([, name]) => name!),
  );

  /** Identifiers of code, not of comments; the compiler sees to it that they are somebody's. */
  const declared = new Set(
    typeScriptUnder('src').flatMap(({ text }) =>
      [
        ...text
          .replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
          .matchAll(/\b(\w+)\??\s*(?:[(:=<]|extends |implements |\{)/g),
      ].map(([, name]) => name!),
    ),
  );
  const isDeclared = (name: string): boolean => declared.has(name.slice(name.lastIndexOf('.') + 1));

  test('has a row for each group of calls', () => {
    expect(rows.length).toBeGreaterThan(60);
    expect(ours.length).toBeGreaterThan(120);
  });
  test('names only what there is', () => expect(ours.filter((name) => !isDeclared(name))).toEqual([]));
  test('would notice a name that there is not', () => {
    expect(['region.setEnable', 'machine.adressSpaces', 'printTree'].filter(isDeclared)).toEqual([]);
  });
});
