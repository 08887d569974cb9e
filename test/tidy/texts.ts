/** Rules about any text of the project: what must not be committed, and what a decision must say. */
import type { Fault, Source } from './project.ts';

interface TextRule {
  readonly pattern: RegExp;
  readonly reason: string;
  /** Restricts the rule to paths that match. */
  readonly only?: RegExp;
}

// Written so that no pattern matches its own source.
const textRules: readonly TextRule[] = [
  {
    pattern: /(?:^|[\s'"`(=:])(?:\/(?:home|root|work|Users|mnt)\/|[A-Z]:\\Users\\)[\w.-]/,
    reason: 'an absolute path of one machine',
  },
  { pattern: /\bregistry\.[a-z][\w-]*\.[a-z]{2,}|"resolved"\s*:/, reason: 'a registry host' },
  { pattern: /\b(?:TO[D]O|FIX[M]E|XX[X])\b/, reason: 'unfinished: finish it, or open an issue' },
  { pattern: /^(?:<{7}|>{7}) /m, reason: 'a merge conflict' },
  {
    pattern: /\b(?:test|it|describe|suite|bench)\.only\b/,
    reason: 'a focused test hides the others',
    only: /\.ts$/,
  },
  {
    pattern: /\/\/ @ts-(?:ignore|nocheck)|biome-ignore-all/,
    reason: 'switches a checker off without a reason that a reader can see',
    only: /\.[cm]?[jt]s$/,
  },
];

export function textFaults({ path, text }: Source): readonly Fault[] {
  return textRules
    .filter((rule) => rule.only?.test(path) ?? true)
    .flatMap((rule) => {
      const match = rule.pattern.exec(text);
      if (!match) return [];
      const line = text.slice(0, match.index).split('\n').length;
      return [`${path}:${line}: ${rule.reason}: ${match[0].trim()}`];
    });
}

const decisionHeadings = ['context', 'choice', 'price', 'revisit'];

/** docs/decisions/NNNN-title.md: context, choice, price, when to revisit. */
export function decisionFaults({ path, text }: Source): readonly Fault[] {
  const headings = [...text.matchAll(/^#{2,}\s+(.+)$/gm)].map((match) => match[1]!.toLowerCase());
  const missing = decisionHeadings.filter((word) => !headings.some((heading) => heading.includes(word)));
  return [
    ...(/\/\d{4}-[a-z0-9-]+\.md$/.test(path) ? [] : [`${path}: not named NNNN-title.md`]),
    ...missing.map((word) => `${path}: no heading '${word}'`),
  ];
}

/** File names: kebab-case after the concept they hold. */
export const fileNameFaults = ({ path }: Source): readonly Fault[] =>
  /^(?:[a-z0-9-]+\/)*[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test|\.d)?\.[jt]s$/.test(path)
    ? []
    : [`${path}: not kebab-case`];

interface LockEntry {
  readonly version?: string;
  readonly resolved?: string;
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}

/** What `npm ci` asks of the lockfile: an entry for each dependency, also those of other platforms. */
export function lockfileFaults({ path, text }: Source): readonly Fault[] {
  const packages = (JSON.parse(text) as { packages: Record<string, LockEntry> }).packages;
  return Object.entries(packages).flatMap(([folder, entry]) => [
    ...(entry.resolved === undefined ? [] : [`${path}: ${folder} names a registry host`]),
    ...Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })
      .filter((name) => !isLocked(packages, folder, name))
      .map((name) => `${path}: ${folder || 'the project'} needs ${name}, which has no entry`),
  ]);
}

/** Looks where Node would: in the package's own node_modules, then in each one above. */
function isLocked(packages: Record<string, LockEntry>, folder: string, name: string): boolean {
  for (let above = folder; ; above = above.slice(0, Math.max(0, above.lastIndexOf('/node_modules/')))) {
    if (packages[above === '' ? `node_modules/${name}` : `${above}/node_modules/${name}`]) return true;
    if (above === '') return false;
  }
}
