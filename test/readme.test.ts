/** What the README shows must be what runs. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { runProgram } from './support/run-program.ts';

const project = new URL('..', import.meta.url);
const readme = readFileSync(new URL('README.md', project), 'utf8');
const blocks = [...readme.matchAll(/^```(\w*)\n(.*?)^```/gms)].map(([, language, text]) => ({
  language,
  text,
}));

describe('the README', () => {
  test('shows examples/hello/main.ts as it is', () => {
    const example = readFileSync(new URL('examples/hello/main.ts', project), 'utf8');
    expect(blocks.filter(({ language }) => language === 'ts').map(({ text }) => text)).toEqual([example]);
  });

  test('shows a program that rings as often as its bell counts', async () => {
    const run = await runProgram('examples/hello/main.ts');
    expect(run.stderr).toBe('');
    const [, rang, counted] = /^the vCPUs rang (\d+) times, the bell counted (\d+)\n$/.exec(run.stdout) ?? [];
    expect(Number(rang)).toBeGreaterThan(0);
    expect(counted).toBe(rang);
  });

  test('opens with the two commands', () => {
    expect(readme).toContain('npm ci && npm start');
    expect(readme).toContain('npm ci && npm test');
  });

  test('links only to files that are there', () => {
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, target]) => target!);
    expect(links.length).toBeGreaterThan(3);
    for (const target of links) expect(() => readFileSync(new URL(target, project))).not.toThrow(/ENOENT/);
  });
});
