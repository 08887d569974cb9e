/** Files that the stress commands read: what they wrote themselves goes, all else is refused in one line. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { documentOf, mergeFiles } from '../../stress/document.ts';
import { type Failure, FORMAT, readFailure, writeFailure } from '../../stress/failure.ts';
import type { Verdict } from '../../stress/scenario.ts';
import { refusalOf } from '../support/refusal.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const directory = temporaryDirectory();
let files = 0;

function fileWith(content: unknown): string {
  files += 1;
  const path = join(directory, `${files}.json`);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const verdict = (name: string, violations = 0): Verdict => ({
  ...{ name, passed: violations === 0, operations: 10, publications: 3, violations, faults: 2 },
  ...{ detail: 'did it', property: 'it holds', seconds: 1, noticedSeconds: null },
});

describe('a failure', () => {
  const failure: Failure = {
    ...{ format: FORMAT, scenario: 'dirty-log', seed: 4, vcpuCount: 2, seconds: 1.5, mutant: null },
    ...{ verdict: verdict('dirty-log', 1), stepCount: 2, vcpus: [], views: ['FlatView #0'] },
    steps: [
      { ms: 1, text: 'starts vCPU 0', layout: null },
      { ms: 2, text: 'root', layout: { number: 1, digest: -7 } },
    ],
  };

  test('is read as it was written, in a file that its scenario and seed name', () => {
    const path = writeFailure(join(directory, 'made', 'for', 'it'), failure);
    expect(path).toMatch(/dirty-log-seed-4\.json$/);
    expect(readFailure(path)).toEqual(failure);
  });

  test.each<[string, unknown, RegExp]>([
    ['no JSON', '{"format":', /JSON/],
    ['a list', [], /not a 'flatview stress failure, version 1'/],
    ['a document of a run', documentOf({ seed: 1, vcpus: 1, mutant: null }, []), /not a 'flatview stress/],
    ['another version', { ...failure, format: 'flatview stress failure, version 9' }, /not a 'flatview/],
    ['no scenario', { ...failure, scenario: 7 }, /'scenario' is missing or malformed/],
    ['a seed that is none', { ...failure, seed: -1 }, /'seed' is missing/],
    ['more vCPUs than there can be', { ...failure, vcpuCount: 1e9 }, /'vcpuCount' is missing/],
    ['a time without end', { ...failure, seconds: 1e12 }, /'seconds' is missing/],
    ['a mutant that is none', { ...failure, mutant: {} }, /'mutant' is missing/],
    ['no verdict', { ...failure, verdict: null }, /'verdict' is missing/],
    ['steps without text', { ...failure, steps: [{ layout: null }] }, /'steps' is missing/],
    ['a layout without a number', { ...failure, steps: [{ text: 'a', layout: {} }] }, /'steps' is missing/],
  ])('is refused if it is %s', (_what, content, line) => {
    expect(refusalOf(() => readFailure(fileWith(content)))).toMatch(line);
  });

  test('that is not there is refused', () => {
    expect(refusalOf(() => readFailure(join(directory, 'nowhere.json')))).toMatch(/ENOENT/);
  });
});

describe('documents of shards', () => {
  const run = { seed: 1, vcpus: 3, mutant: null };
  const first = fileWith(documentOf(run, [verdict('a'), verdict('c', 5)]));
  const second = fileWith(documentOf(run, [verdict('b')]));

  test('become one of the same shape, with the sums of all', () => {
    const merged = mergeFiles([first, second]);
    expect(merged).toEqual(documentOf(run, [verdict('a'), verdict('c', 5), verdict('b')]));
    expect(merged.totals).toEqual({ operations: 30, publications: 9, faults: 6, violations: 5 });
    expect(mergeFiles([fileWith(merged), fileWith(documentOf(run, []))])).toEqual(merged);
  });

  test.each<[string, unknown, RegExp]>([
    ['of another seed', documentOf({ ...run, seed: 2 }, [verdict('b')]), /seed 2, not 1/],
    ['of other vCPUs', documentOf({ ...run, vcpus: 4 }, [verdict('b')]), /vcpus 4, not 3/],
    ['of a mutant', documentOf({ ...run, mutant: 'm' }, [verdict('b')]), /mutant m, not null/],
    ['with a scenario twice', documentOf(run, [verdict('c')]), /scenario 'c' is in .*1\.json and in/],
    ['that is no JSON', 'held', /JSON/],
    ['that is null', null, /not the document of a run/],
    ['without figures', { ...run, scenarios: [{ name: 'b' }] }, /not the document of a run/],
    [
      'with a sum that is none',
      { ...run, scenarios: [{ ...verdict('b'), faults: '9' }] },
      /not the document/,
    ],
  ])('one %s is refused', (_what, content, line) => {
    expect(refusalOf(() => mergeFiles([first, fileWith(content)]))).toMatch(line);
  });

  test('a file is not changed by being read', () => {
    const before = readFileSync(first, 'utf8');
    mergeFiles([first]);
    expect(readFileSync(first, 'utf8')).toBe(before);
  });
});
