/**
 * The tools that read the whole project: compiler, formatter and linter, layer rules, unused code.
 * Each check returns how many files the tool really visited beside its complaint, since a tool that finds
 * no file is content.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { KnipReport } from './knip-report.ts';
import { projectRoot, rootEntries, runTool } from './project.ts';

export interface Verdict {
  readonly passed: boolean;
  readonly filesVisited: number;
  readonly complaint: string;
}

/** A project of these files in a folder of its own, removed after `use`. */
export function withSampleProject<T>(files: Readonly<Record<string, string>>, use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'flatview-tidy-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    for (const shared of ['biome.json', 'knip.json']) cpSync(join(projectRoot, shared), join(folder, shared));
    writeFileSync(join(folder, 'tsconfig.json'), sampleCompilerOptions);
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The project's own, but for Node's types, which a folder elsewhere cannot find. */
const sampleCompilerOptions = JSON.stringify({
  extends: join(projectRoot, 'tsconfig.json'),
  compilerOptions: { types: [] },
  include: ['src'],
});

/** @param config of the browser's side: `tsconfig.page.json` */
export function checkTypes(folder = projectRoot, config = 'tsconfig.json'): Verdict {
  const args = ['-p', config, '--noEmit', '--listFiles', '--pretty', 'false'];
  const run = runTool('typescript', 'tsc', args, { cwd: folder });
  const lines = run.output.split('\n');
  const isListed = (line: string): boolean => line.startsWith(folder) && !line.includes('/node_modules/');
  return {
    passed: run.status === 0,
    filesVisited: lines.filter(isListed).length,
    complaint: lines.filter((line) => !/^(?:\/|[A-Z]:)\S*$/.test(line)).join('\n'),
  };
}

export function checkStyle(folder = projectRoot): Verdict {
  const run = runTool(
    '@biomejs/biome',
    'biome',
    ['check', '--error-on-warnings', '--max-diagnostics=100', '--colors=off', ...outsideGit(folder)],
    {
      cwd: folder,
    },
  );
  return {
    passed: run.status === 0,
    filesVisited: Number(/Checked (\d+) file/.exec(run.output)?.[1] ?? 0),
    complaint: run.output,
  };
}

const outsideGit = (folder: string): string[] => (folder === projectRoot ? [] : ['--vcs-enabled=false']);

export function checkLayers(folder = projectRoot): Verdict {
  const places = folder === projectRoot ? codeFolders() : ['src'];
  const config = join(projectRoot, '.dependency-cruiser.cjs');
  const args = ['--config', config, '--output-type', 'json', ...places];
  const run = runTool('dependency-cruiser', 'depcruise', args, { cwd: folder });
  const { summary, modules } = JSON.parse(run.stdout) as {
    summary: { error: number; violations: { from: string; to: string; rule: { name: string } }[] };
    modules: { source: string }[];
  };
  return {
    passed: summary.error === 0,
    filesVisited: modules.filter(({ source }) => source.endsWith('.ts') && !source.includes('node_modules'))
      .length,
    complaint: summary.violations.map(({ from, to, rule }) => `${rule.name}: ${from} -> ${to}`).join('\n'),
  };
}

export function checkUnused(folder = projectRoot): Verdict {
  const reporter = join(projectRoot, 'test/tidy/knip-report.ts');
  const run = runTool(
    'knip',
    'knip',
    ['--reporter', reporter, '--reporter', 'symbols', '--no-config-hints'],
    {
      cwd: folder,
    },
  );
  const line = run.stdout.split('\n').find((text) => text.startsWith('{')) ?? '{"filesRead":0,"issues":0}';
  const { filesRead } = JSON.parse(line) as KnipReport;
  return { passed: run.status === 0, filesVisited: filesRead, complaint: run.output };
}

const codeFolders = (): string[] =>
  rootEntries().filter((name) =>
    ['src', 'workers', 'machines', 'dev', 'test', 'stress', 'bench', 'examples'].includes(name),
  );
