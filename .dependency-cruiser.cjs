/** Layer rules of docs/ARCHITECTURE.md: imports go downwards, never from one side to the other. */

/** Folder of src -> the folders of src that it may import, besides itself and base. */
const layers = require('./test/tidy/layers.json');

const layerRules = Object.entries(layers).map(([folder, below]) => ({
  name: `layer-${folder}`,
  comment: `src/${folder} may import only: ${[folder, 'base', ...below].join(', ')}`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: { path: '^(src|workers)/', pathNot: `^src/(${[folder, 'base', ...below].join('|')})/` },
}));

module.exports = {
  forbidden: [
    ...layerRules,
    {
      name: 'core-without-packages',
      comment: 'the core library has no runtime dependency',
      severity: 'error',
      from: { path: `^src/(${Object.keys(layers).join('|')})/` },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'service-below-cli',
      comment: 'the command line stands on the library, never the other way round',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'service-loads-when-asked',
      comment: 'who does not serve does not load Fastify: the command line imports the service at run time',
      severity: 'error',
      from: { path: '^(src|workers)/', pathNot: '^src/(http/|http-service\\.ts)' },
      to: { path: '^src/http/', dependencyTypesNot: ['dynamic-import', 'type-only'] },
    },
    {
      name: 'nobody-imports-a-face',
      comment: 'inside the package import from the file that defines a thing',
      severity: 'error',
      from: { path: '^(src|workers)/' },
      to: { path: '^src/(index|vcpu-program|http-service)\\.ts$' },
    },
    {
      name: 'product-without-tests',
      comment: 'src and workers know nothing of test, bench, stress and examples',
      severity: 'error',
      from: { path: '^(src|workers)/' },
      to: { path: '^(test|bench|stress|examples)/' },
    },
    {
      name: 'no-development-package',
      comment:
        "what is shipped may import only dependencies; a thread's TypeScript is read by the tsx of whoever runs it",
      severity: 'error',
      from: { path: '^(src|workers)/', pathNot: '^workers/typescript-thread\\.mjs$' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no-cycle',
      comment: 'no file needs itself to be loaded; types may refer to each other, they are erased',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
