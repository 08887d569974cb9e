/** vCPUs and devices without the test runner's loader: from sources by tsx, and as the package is built. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);
const project = new URL('../../', import.meta.url);
const cwd = fileURLToPath(project);
const script = fileURLToPath(new URL('./programs/plain.mjs', import.meta.url));
let built: string;

beforeAll(async () => {
  // In a folder that git ignores, and where the package's type and its dependencies are found.
  const dist = fileURLToPath(new URL('./dist/', project));
  await mkdir(dist, { recursive: true });
  built = await mkdtemp(`${dist}smoke-`);
  const tsc = fileURLToPath(new URL('./node_modules/typescript/bin/tsc', project));
  await run(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--noCheck', '--outDir', built], { cwd });
});
afterAll(() => rm(built, { recursive: true, force: true }));

test.each(['sources', 'built package'])(
  'a machine runs from %s, and the process ends by itself',
  async (from) => {
    const face =
      from === 'sources' ? new URL('./src/index.ts', project) : pathToFileURL(`${built}/src/index.js`);
    const loader = from === 'sources' ? ['--import', 'tsx'] : [];
    const { stdout, stderr } = await run(process.execPath, [...loader, script, face.href], {
      cwd,
      timeout: 50_000,
    });
    expect(stderr).toBe('');
    const expected = { word: 42, control: 7, threadsDiffer: true, refusal: 'VCPU_PROGRAM_INVALID' };
    expect(JSON.parse(stdout)).toEqual([
      { vcpuHost: 'piscina', ...expected },
      { vcpuHost: 'threads', ...expected },
    ]);
  },
);
