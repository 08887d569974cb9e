/**
 * Tries the package as a stranger would: packs it, has publint and attw look at it, installs the tarball into an empty
 * folder and runs there what the README promises, under plain node. `npm run package`; needs npm's registry.
 *
 * Exit: 0 all held, 1 one did not. It leaves nothing behind.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ModuleKind, transpileModule } from 'typescript';

const project = fileURLToPath(new URL('..', import.meta.url));
const own = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
const STEP_SECONDS_MAX = 300;

/** Runs to its end; @returns what it printed @throws Error with all that it printed if it failed */
function run(cwd: string, command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    timeout: STEP_SECONDS_MAX * 1000,
    env: { ...process.env, NO_COLOR: '1', npm_config_loglevel: 'error' },
  });
  if (status === 0) return stdout;
  throw new Error(`${[command, ...args].join(' ')}: ended with ${status}\n${stdout}${stderr}`);
}

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

const isExact = (printed: string): boolean => {
  const [, rang, counted] = /^the vCPUs rang (\d+) times, the bell counted (\d+)\n$/.exec(printed) ?? [];
  return Number(rang) > 0 && rang === counted;
};

/** The folder of a project that has nothing but the tarball and what it depends on, and what TypeScript needs. */
function installed(folder: string, tarball: string): string {
  const home = join(folder, 'installed');
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{ "private": true, "type": "module" }\n');
  const tools = ['tsx', 'typescript', '@types/node'].map((name) => `${name}@${own.devDependencies[name]}`);
  run(home, 'npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', tarball, ...tools);
  const source = readFileSync(join(project, 'examples/hello/main.ts'), 'utf8');
  writeFileSync(join(home, 'hello.ts'), source);
  const { outputText } = transpileModule(source, { compilerOptions: { module: ModuleKind.ESNext } });
  writeFileSync(join(home, 'hello.js'), outputText);
  return home;
}

/** What a program can do where only the package lies, none of its dependencies. */
const WITHOUT_DEPENDENCIES = `
import { Machine, MemoryRegion, printMtree } from 'flatview';
import 'flatview/vcpu';
const machine = new Machine();
const system = MemoryRegion.container('system', 2n ** 64n);
system.addSubregion(0, MemoryRegion.ram('ram', 0x1000));
const space = machine.addAddressSpace('memory', system);
const memory = machine.memory(space);
memory.store32(0, 0x10, 42);
console.log(printMtree([space]), memory.load32(0, 0x10));
await machine.close();
`;

type Step = readonly [name: string, attempt: () => void];

function steps(folder: string): readonly Step[] {
  let tarball = '';
  let home = '';
  return [
    [
      'pack',
      () => {
        const [packed] = JSON.parse(run(project, 'npm', 'pack', '--json', '--pack-destination', folder));
        tarball = join(folder, packed.filename);
        const strange = (packed.files as { path: string }[])
          .map(({ path }) => path)
          .filter((path) => !/^(dist\/.*\.(m?js|d\.ts|json)|package\.json|[A-Z]+(\.md)?)$/.test(path));
        expect(strange.length === 0, `what does not belong into the package: ${strange.join(', ')}`);
      },
    ],
    ['publint', () => void run(project, 'npx', 'publint', '--strict', '--pack', 'npm')],
    ['attw', () => void run(project, 'npx', 'attw', tarball, '--profile', 'esm-only')],
    [
      'install into an empty folder',
      () => {
        home = installed(folder, tarball);
      },
    ],
    [
      "the README's program under plain node",
      () => expect(isExact(run(home, 'node', 'hello.js')), 'the bell miscounted'),
    ],
    [
      "the README's program by tsx",
      () => expect(isExact(run(home, 'npx', 'tsx', 'hello.ts')), 'the bell miscounted'),
    ],
    [
      "the README's program against the declarations",
      () =>
        void run(
          home,
          'npx',
          'tsc',
          '--noEmit',
          '--strict',
          '--module',
          'nodenext',
          '--types',
          'node',
          '--target',
          'es2023',
          'hello.ts',
        ),
    ],
    [
      'npx flatview run',
      () => {
        const { verification } = JSON.parse(run(home, 'npx', 'flatview', 'run', '--seconds', '1', '--json'));
        expect(verification.checked > 0 && verification.violations === 0, JSON.stringify(verification));
      },
    ],
    [
      'the core without its dependencies',
      () => {
        const alone = join(folder, 'alone');
        const package_ = join(alone, 'node_modules', 'flatview');
        mkdirSync(package_, { recursive: true });
        run(alone, 'tar', 'xzf', tarball, '--strip-components=1', '-C', package_);
        writeFileSync(join(alone, 'main.mjs'), WITHOUT_DEPENDENCIES);
        const printed = run(alone, 'node', 'main.mjs');
        expect(/ram[\s\S]* 42\n$/.test(printed), `it printed ${printed}`);
      },
    ],
  ];
}

const folder = mkdtempSync(join(tmpdir(), 'flatview-package-'));
try {
  for (const [name, attempt] of steps(folder)) {
    const started = performance.now();
    attempt();
    console.log(`${name}: ok, ${((performance.now() - started) / 1000).toFixed(1)} s`);
  }
} catch (error) {
  console.log(`package: ${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
