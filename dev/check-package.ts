/**
 * Tries the package as a stranger would: packs it, has publint and attw look at it, installs the tarball into an empty
 * folder and runs there what the README promises, under plain node: `npm run package`. It leaves nothing behind.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { ModuleKind, transpileModule } from 'typescript';
import { endAs } from '../stress/end.ts';
import { parsed } from '../stress/usage.ts';
import { PLAIN_RUNS } from '../test/service/programs/plain-runs.ts';
import { expect, RegistryUnreachable, run } from './commands.ts';
import { tryService } from './package/installed-service.ts';

const STATUS_NO_REGISTRY = 3;
const project = fileURLToPath(new URL('..', import.meta.url));
const own = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
/** Dependencies that the command line loads whatever it does; it loads the others when they are asked for. */
const OF_EACH_COMMAND = ['commander', 'cli-table3'];

type Step = readonly [name: string, attempt: () => unknown];

/** Writes it as TypeScript and as what TypeScript makes of it. */
function putProgram(folder: string, name: string, source: string): void {
  const text = readFileSync(join(project, source), 'utf8');
  const { outputText } = transpileModule(text, { compilerOptions: { module: ModuleKind.ESNext } });
  writeFileSync(join(folder, `${name}.ts`), text);
  writeFileSync(join(folder, `${name}.mjs`), outputText);
}

function pack(folder: string): string {
  const [packed] = JSON.parse(run(project, 'npm', 'pack', '--json', '--pack-destination', folder));
  const strange = (packed.files as { path: string }[])
    .map(({ path }) => path)
    .filter((path) => !/^(dist\/.*\.(m?js|d\.ts|json|html|css|svg)|package\.json|[A-Z]+(\.md)?)$/.test(path));
  expect(strange.length === 0, `what does not belong into the package: ${strange.join(', ')}`);
  return join(folder, packed.filename);
}

function tryWithoutDependencies(folder: string, tarball: string): void {
  const home = join(folder, 'alone');
  const place = join(home, 'node_modules', 'flatview');
  mkdirSync(place, { recursive: true });
  run(home, 'tar', 'xzf', tarball, '--strip-components=1', '-C', place);
  putProgram(home, 'core', 'dev/package/programs/core.ts');
  const printed = run(home, 'node', 'core.mjs');
  expect(/ram[\s\S]* 42\n$/.test(printed), `it printed ${printed}`);
}

/** Makes `home` a project that has nothing but the tarball and what it depends on, and what TypeScript needs. */
function install(home: string, tarball: string): void {
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{ "private": true, "type": "module" }\n');
  const tools = ['tsx', 'typescript', '@types/node'].map((name) => `${name}@${own.devDependencies[name]}`);
  run(home, 'npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', tarball, ...tools);
  putProgram(home, 'hello', 'examples/hello/main.ts');
  putProgram(home, 'service', 'dev/package/programs/service.ts');
}

function expectExact(printed: string): void {
  const [, rang, counted] = /^the vCPUs rang (\d+) times, the bell counted (\d+)\n$/.exec(printed) ?? [];
  expect(Number(rang) > 0 && rang === counted, `the bell miscounted: ${printed}`);
}

function tryHosts(home: string): void {
  const face = pathToFileURL(join(home, 'node_modules/flatview', own.exports['.'].default)).href;
  const printed = run(home, 'node', join(project, 'test/service/programs/plain.mjs'), face);
  expect(isDeepStrictEqual(JSON.parse(printed), PLAIN_RUNS), `it printed ${printed}`);
}

/** As a program of Node's is compiled: strictly, without the browser's types, and with a look at our declarations too. */
const TSC = '--noEmit --strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess --skipLibCheck false'
  .concat(' --module nodenext --types node --target es2023 --lib es2023')
  .split(' ');

function tryMainJob(home: string): void {
  const report = JSON.parse(run(home, 'npx', 'flatview', 'run', '--seconds', '1', '--json'));
  const { verification, churn } = report;
  expect(
    verification.checked > 0 && verification.violations === 0 && churn.publications > 0,
    JSON.stringify({ verification, churn }),
  );
}

/** The last step: it takes away what the others need. */
function tryCommandsAlone(home: string): void {
  for (const name of Object.keys(own.dependencies))
    if (!OF_EACH_COMMAND.includes(name)) rmSync(join(home, 'node_modules', name), { recursive: true });
  const printed = run(home, 'npx', 'flatview', 'mtree', '-f', 'q35');
  expect(printed.startsWith('FlatView #0'), `it printed ${printed.slice(0, 500)}`);
}

function steps(folder: string): readonly Step[] {
  let tarball = '';
  const home = join(folder, 'installed');
  return [
    [
      'pack',
      () => {
        tarball = pack(folder);
      },
    ],
    ['publint', () => run(project, 'npx', 'publint', tarball, '--strict')],
    ['attw', () => run(project, 'npx', 'attw', tarball, '--profile', 'esm-only')],
    ['the core without its dependencies', () => tryWithoutDependencies(folder, tarball)],
    ['install into an empty folder', () => install(home, tarball)],
    ['a machine on both hosts under plain node', () => tryHosts(home)],
    ["the README's program under plain node", () => expectExact(run(home, 'node', 'hello.mjs'))],
    ["the README's program by tsx", () => expectExact(run(home, 'npx', 'tsx', 'hello.ts'))],
    ['the declarations', () => run(home, 'npx', 'tsc', ...TSC, 'hello.ts', 'service.ts')],
    ['npx flatview run', () => tryMainJob(home)],
    [
      'a program that serves',
      () => {
        const printed = run(home, 'node', 'service.mjs');
        expect(printed === 'read 42\n', `it printed ${printed}`);
      },
    ],
    ['npx flatview serve', () => tryService(home, ['npx', 'flatview'], null)],
    ['flatview serve, and its status', () => tryService(home, ['node_modules/.bin/flatview'], 0)],
    ['npx flatview mtree without what serves and what pools', () => tryCommandsAlone(home)],
  ];
}

/** @returns the exit status */
async function tryAll(folder: string): Promise<number> {
  for (const [name, attempt] of steps(folder)) {
    const started = performance.now();
    try {
      await attempt();
    } catch (error) {
      const unreachable = error instanceof RegistryUnreachable;
      if (unreachable)
        console.log("package: npm's registry cannot be reached; NOT TRIED, with all that follows:");
      console.log(`package: ${name}: ${(error as Error).message}`);
      return unreachable ? STATUS_NO_REGISTRY : 1;
    }
    console.log(`${name}: ok, ${((performance.now() - started) / 1000).toFixed(1)} s`);
  }
  return 0;
}

const usage = {
  command: 'npm run -s package --',
  about:
    "Packs the package, has it checked, installs it into an empty folder, and tries there all that it has; needs npm's registry.",
  options: {},
  exit: '0 all held, 1 one did not, 3 the registry cannot be reached, so what needs it was not tried',
} as const;

await endAs('package', async () => {
  parsed(usage, process.argv.slice(2));
  const folder = mkdtempSync(join(tmpdir(), 'flatview-package-'));
  try {
    return await tryAll(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
