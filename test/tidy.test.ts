/**
 * The house rules that a program can check. Each rule looks at the whole project, says how many files it
 * saw, and is itself tried on a small sample that breaks it (second half).
 */
import { describe, expect, test } from 'vitest';
import { importFaults, importsOf, reExportFaults } from './tidy/imports.ts';
import { layoutTableFaults } from './tidy/layout-tables.ts';
import {
  type Fault,
  projectRoot,
  rootEntries,
  type Source,
  sourcesUnder,
  typeScriptUnder,
} from './tidy/project.ts';
import {
  FILE_LINES_MAX,
  FUNCTION_LINES_MAX,
  isErased,
  longFileFaults,
  longFunctionFaults,
} from './tidy/sizes.ts';
import { decisionFaults, fileNameFaults, lockfileFaults, textFaults } from './tidy/texts.ts';
import {
  checkLayers,
  checkStyle,
  checkTypes,
  checkUnused,
  type Verdict,
  withSampleProject,
} from './tidy/tools.ts';

const shipped = () => typeScriptUnder('src', 'workers');
/** Runs in browsers, as it is. */
const page = () => sourcesUnder(['src/http/page'], ['.js']);
const code = () =>
  typeScriptUnder('src', 'workers', 'machines', 'dev', 'test', 'stress', 'bench', 'examples');
/** Everything that people wrote; captures of QEMU and the samples of this test are not. */
const texts = () =>
  sourcesUnder(
    rootEntries(),
    ['.ts', '.js', '.cjs', '.mjs', '.json', '.md', '.yml', '.sh', '.c', '.npmrc', '.ci/run'],
    /^(?:machines\/.*\.json$|test\/tidy)/,
  );

const noFaults = (sources: readonly Source[], rule: (source: Source) => readonly Fault[]): void => {
  expect(sources.length, 'a rule that sees no file proves nothing').toBeGreaterThan(0);
  expect(sources.flatMap((source) => rule(source))).toEqual([]);
};

describe('the project', () => {
  const passes = (verdict: Verdict): void => {
    expect(verdict.filesVisited, verdict.complaint).toBeGreaterThan(10);
    expect(verdict.passed, verdict.complaint).toBe(true);
  };
  test('has no type error', () => passes(checkTypes()));
  test('has none in its page either', () => passes(checkTypes(projectRoot, 'tsconfig.page.json')));
  test('is formatted and linted', () => passes(checkStyle()));
  test('keeps its layer rules', () => passes(checkLayers()));
  test('has no unused file, export or package', () => passes(checkUnused()));

  test('imports downwards only', () => {
    const sources = shipped();
    expect(sources.flatMap(({ text }) => importsOf(text)).length).toBeGreaterThan(10);
    noFaults(sources, importFaults);
  });
  test('has no barrel but its two faces', () => noFaults(shipped(), reExportFaults));
  test(`has no function over ${FUNCTION_LINES_MAX} lines`, () =>
    noFaults([...code(), ...page()], longFunctionFaults));
  test(`has no file of code over ${FILE_LINES_MAX} lines`, () =>
    noFaults([...shipped(), ...page()], longFileFaults));
  test('draws its shared words as they are', () => {
    noFaults(typeScriptUnder('src').filter(isLayout), layoutTableFaults);
  });
  test('holds no machine path, registry host or loose end', () => noFaults(texts(), textFaults));
  test('names files in kebab-case', () => noFaults([...code(), ...page()], fileNameFaults));
  test('says of each decision: context, choice, price, revisit', () => {
    noFaults(sourcesUnder(['docs/decisions'], ['.md']), decisionFaults);
  });
  test('has a lockfile that npm ci accepts anywhere', () => {
    noFaults(sourcesUnder(['package-lock.json'], ['.json']), lockfileFaults);
  });
  test('leaves out of coverage only files that are types', () => {
    const { exclude } = JSON.parse(sourcesUnder(['.c8rc.json'], ['.json'])[0]!.text);
    noFaults(sourcesUnder(exclude, ['.ts']), (source) => (isErased(source) ? [] : [source.path]));
  });
  test('pins exact versions', () => {
    const manifest = JSON.parse(sourcesUnder(['package.json'], ['.json'])[0]!.text);
    const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(versions.length).toBeGreaterThan(0);
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(String(version)))).toEqual([]);
  });
});

/** Everything in layout/, and whoever else draws words that threads share. */
const isLayout = ({ path, text }: Source): boolean =>
  path.startsWith('src/layout/') || /^ \* +word +name +writer +meaning$/m.test(text);

describe('a rule convicts', () => {
  const sample = (path: string, text: string): Source => ({ path, text });

  test.each([
    ['a layer that imports upwards', 'src/model/a.ts', "import { x } from '../render/b.ts';"],
    ['one side that imports the other', 'src/publish/a.ts', "import type { X } from '../vcpu/b.ts';"],
    ['an import over several lines', 'src/grace/a.ts', "import {\n  x,\n  y,\n} from '../mailbox/b.ts';"],
    ['an import for its effect', 'src/base/a.ts', "import '../layout/b.ts';"],
    ['an import at run time', 'src/vcpu/a.ts', "const b = await import('../service/b.ts');"],
    ['a package in the core', 'src/dispatch/a.ts', "import { Piscina } from 'piscina';"],
    [
      'a product that needs its tests',
      'src/service/a.ts',
      "import { draw } from '../../test/support/draw.ts';",
    ],
    ['a library that needs its command line', 'src/service/a.ts', "import { main } from '../cli/main.ts';"],
    ['an import of the face', 'src/cli/a.ts', "import { Machine } from '../index.ts';"],
    ['a relative import without .ts', 'src/cli/a.ts', "import { Machine } from '../service/machine';"],
  ])('%s', (_name, path, text) => {
    expect(importFaults(sample(path, text))).toHaveLength(1);
  });

  test('nothing in imports that go downwards', () => {
    const text =
      "import { x } from '../layout/b.ts';\nimport { y } from 'node:fs';\nimport { z } from './c.ts';";
    expect(importsOf(text)).toHaveLength(3);
    expect(importFaults(sample('src/grace/a.ts', text))).toEqual([]);
  });

  test.each([
    ['src/model/all.ts', "export * from './region.ts';"],
    ['src/model/all.ts', "export { A } from './region.ts';"],
    ['src/model/all.ts', "export type { A } from './region.ts';"],
    ['src/model/all.ts', "import { A } from './region.ts';\nexport { A };"],
    ['src/model/index.ts', 'export const a = 1;'],
  ])('a barrel: %s with %s', (path, text) => {
    expect(reExportFaults(sample(path, text))).toHaveLength(1);
    expect(reExportFaults(sample('src/index.ts', text))).toEqual([]);
  });

  const lines = (count: number): string => 'x();\n'.repeat(count);
  test('a function of one line too many, wherever it stands', () => {
    const body = lines(FUNCTION_LINES_MAX - 1); // with its first and last line: one too many
    const forms = [
      `function f() {\n${body}}`,
      `const f = () => {\n${body}};`,
      `class C {\nm() {\n${body}}\n}`,
      `const o = { m() {\n${body}} };`,
      `class C {\nget m() {\n${body}}\n}`,
    ];
    for (const text of forms)
      expect(longFunctionFaults(sample('a.ts', text)), text.slice(0, 20)).toHaveLength(1);
    expect(longFunctionFaults(sample('a.ts', forms[0]!.replace('x();\n', '')))).toEqual([]);
    expect(longFunctionFaults(sample('a.test.ts', `describe('d', () => {\n${body}});`))).toEqual([]);
  });
  test('a file of one line too many', () => {
    expect(longFileFaults(sample('a.ts', lines(FILE_LINES_MAX)))).toEqual([]);
    expect(longFileFaults(sample('a.ts', lines(FILE_LINES_MAX + 1)))).toHaveLength(1);
  });

  test('a file of types that holds something to run', () => {
    const types = "import type { A } from './a.ts';\n/** B */\nexport interface B extends A {}\n";
    expect(isErased(sample('src/vcpu/b.ts', types))).toBe(true);
    expect(isErased(sample('src/vcpu/b.ts', `${types}export const b = 1;\n`))).toBe(false);
  });

  const table = (rows: string, constants: string): Source =>
    sample(
      'src/layout/a.ts',
      `/**\n * Words.\n *\n *   word  name  writer  meaning\n${rows} */\n${constants}\n`,
    );
  const row = ' *   3     WORD_A  control  the answer\n';
  test.each([
    ['a word at another place', table(row, 'export const WORD_A = 4;')],
    ['a row without a constant', table(row, 'export const OTHER = 4;')],
    ['a word without a row', table(row, 'export const WORD_A = 3;\n\nexport const WORD_B = 4;')],
    ['a constant among the words', table(row, 'export const WORD_A = 3;\nexport const READER_B = 4;')],
    ['a row without a writer', table(`${row} *   4     WORD_B\n`, 'export const WORD_A = 3;')],
    ['a row twice', table(row + row, 'export const WORD_A = 3;')],
    ['numbers without a table', sample('src/layout/a.ts', '/**\n * Words.\n */\nexport const WORD_A = 3;')],
    ['a file without a head', sample('src/layout/a.ts', 'export const WORD_A = 3;')],
  ])('in layout tables, %s', (_name, source) => {
    expect(layoutTableFaults(source)).not.toEqual([]);
  });
  test('nothing in a true layout table', () => {
    const code = 'export const WORD_A = 3; // a unit\n\nexport const STEP = 2;';
    expect(layoutTableFaults(table(row, code))).toEqual([]);
  });

  test.each([
    'a path: /home/someone/flatview',
    "const file = '/root/flatview/machines';",
    'npm config set registry https://registry.example.org/',
    '{ "resolved": "a tarball" }',
    '// TODO later',
    '<<<<<<< HEAD\n',
    "test.only('one', () => {});",
    '// @ts-ignore',
  ])('the text %s', (text) => {
    expect(textFaults(sample('src/a.ts', text))).toHaveLength(1);
  });
  test.each(['path=/machine/unattached', 'see docs/home/work.md', 'todo lists are fine'])(
    'nothing in the text %s',
    (text) => expect(textFaults(sample('src/a.ts', text))).toEqual([]),
  );

  test('a decision that leaves something out', () => {
    const whole = '# Title\n## Context\n## Choice\n## Price\n## When to revisit\n';
    expect(decisionFaults(sample('docs/decisions/0001-a.md', whole))).toEqual([]);
    expect(decisionFaults(sample('docs/decisions/0001-a.md', whole.replace('## Price', '')))).toHaveLength(1);
    expect(decisionFaults(sample('docs/decisions/a.md', whole))).toHaveLength(1);
  });

  test('a file name in another case', () => {
    expect(fileNameFaults(sample('src/model/memory-region.ts', ''))).toEqual([]);
    expect(fileNameFaults(sample('src/model/MemoryRegion.ts', ''))).toHaveLength(1);
    expect(fileNameFaults(sample('src/model/memory_region.ts', ''))).toHaveLength(1);
  });

  test('a lockfile that lacks a package or names a host', () => {
    const lock = (packages: object): Source => sample('package-lock.json', JSON.stringify({ packages }));
    const a = { 'node_modules/a': { version: '1.0.0' } };
    expect(lockfileFaults(lock({ '': { dependencies: { a: '1.0.0' } }, ...a }))).toEqual([]);
    expect(lockfileFaults(lock({ '': { dependencies: { a: '1.0.0', b: '1.0.0' } }, ...a }))).toHaveLength(1);
    expect(lockfileFaults(lock({ 'node_modules/a': { resolved: 'somewhere' } }))).toHaveLength(1);
  });
});

describe('a tool convicts', () => {
  const convicts = (verdict: Verdict, reason: RegExp): void => {
    expect(verdict.filesVisited, verdict.complaint).toBeGreaterThan(0);
    expect(verdict.passed).toBe(false);
    expect(verdict.complaint).toMatch(reason);
  };
  const type = 'module';
  const manifest = JSON.stringify({
    name: 'sample',
    version: '1.0.0',
    type,
    dependencies: { unused: '1.0.0' },
  });

  test('the compiler: an index that may be undefined', () => {
    const files = { 'src/a.ts': 'const list: number[] = [];\nexport const first: number = list[0];\n' };
    convicts(withSampleProject(files, checkTypes), /TS2322/);
  });
  test('the linter: a floating promise and double quotes', () => {
    const files = { 'src/a.ts': 'async function f(): Promise<void> {}\nf();\nexport const a = "a";\n' };
    const verdict = withSampleProject(files, checkStyle);
    convicts(verdict, /noFloatingPromises/);
    convicts(verdict, /format/);
  });
  test('the layer rules: an import upwards and a cycle', () => {
    const files = {
      'src/base/a.ts': "import { b } from '../model/b.ts';\nexport const a = (): number => b();\n",
      'src/model/b.ts': "import { a } from '../base/a.ts';\nexport const b = (): number => a();\n",
    };
    const verdict = withSampleProject(files, checkLayers);
    convicts(verdict, /layer-base: src\/base\/a\.ts -> src\/model\/b\.ts/);
    convicts(verdict, /no-cycle/);
  });
  test('the search for unused code: a file, an export and a package', () => {
    const files = {
      'package.json': manifest,
      'src/index.ts': "import { used } from './base/used.ts';\nused();\n",
      'src/base/used.ts': 'export const used = (): void => {};\nexport const idle = 1;\n',
      'src/base/lost.ts': 'export const lost = 1;\n',
    };
    const verdict = withSampleProject(files, checkUnused);
    for (const name of [/lost\.ts/, /\bidle\b/, /\bunused\b/]) convicts(verdict, name);
  });
});
